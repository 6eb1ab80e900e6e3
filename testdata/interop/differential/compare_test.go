package differential_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/absah-id/absah/testdata/interop/differential"
)

// verdict makes a Verdict of fields with opinions; trust is the same as
// integrity.
func verdict(fields map[string]differential.Class) differential.Verdict {
	v := differential.Verdict{Signatures: map[string]differential.Opinion{}}
	for field, class := range fields {
		v.Signatures[field] = differential.Opinion{Integrity: class, Trust: class}
	}
	return v
}

func TestCompare(t *testing.T) {
	const a, r, u = differential.Accepts, differential.Rejects, differential.Unsure
	type classes = map[string]differential.Class
	tests := []struct {
		name         string
		ours, theirs classes
		want         []string // fields, ours, theirs of each disagreement
	}{
		{"alike", classes{"S": a}, classes{"S": a}, nil},
		{"both find none", nil, nil, nil},
		{"differ", classes{"S": r}, classes{"S": a}, []string{"[S] rejects accepts"}},
		{"they list none", classes{"S": r}, nil, []string{"[S] rejects cannot tell"}},
		{"neither can tell, one lists it", classes{"S": u}, nil, nil},
		{"many alike make one", classes{"S1": r, "S2": r, "S3": a}, classes{"S3": a}, []string{"[S1 S2] rejects cannot tell"}},
		{"our verdict of the file counts for each", classes{"": r}, classes{"S1": a, "S2": r}, []string{"[S1] rejects accepts"}},
		{"a partial name", classes{"A.B.S": a}, classes{"S": a}, nil},
		{"a partial name of two", classes{"A.S": a, "B.S": a}, classes{"S": a}, []string{"[A.S B.S] accepts cannot tell", "[S] cannot tell accepts"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range differential.Compare("tool", "set/file", verdict(tt.ours), verdict(tt.theirs)) {
				got = append(got, fmt.Sprint(d.Fields, " ", d.Ours, " ", d.Theirs))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestCompareTrust: trust counts only where both find the signature whole.
func TestCompareTrust(t *testing.T) {
	opinion := func(integrity, trust differential.Class) differential.Verdict {
		return differential.Verdict{Signatures: map[string]differential.Opinion{"S": {Integrity: integrity, Trust: trust}}}
	}
	whole := differential.Compare("tool", "set/file",
		opinion(differential.Accepts, differential.Unsure), opinion(differential.Accepts, differential.Accepts))
	if len(whole) != 1 || whole[0].About != differential.Trust {
		t.Errorf("got %v, want one about trust", whole)
	}
	broken := differential.Compare("tool", "set/file",
		opinion(differential.Rejects, differential.Unsure), opinion(differential.Rejects, differential.Accepts))
	if len(broken) != 0 {
		t.Errorf("got %v of a broken signature, want none", broken)
	}
}

func ExampleCompare() {
	ours := differential.Verdict{Signatures: map[string]differential.Opinion{
		"Signature1": {Integrity: differential.Rejects, Trust: differential.Rejects, Why: "FORMAT_FAILURE"},
	}}
	theirs := differential.Verdict{Signatures: map[string]differential.Opinion{
		"Signature1": {Integrity: differential.Accepts, Trust: differential.Accepts, Why: "PASSED"},
	}}
	for _, d := range differential.Compare("pyhanko", "attacks/i-k-zip", ours, theirs) {
		fmt.Println(d)
	}
	// Output: pyhanko attacks/i-k-zip integrity: we rejects (FORMAT_FAILURE), it accepts (PASSED)
}
