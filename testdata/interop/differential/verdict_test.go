package differential_test

import (
	"testing"

	"github.com/absah-id/absah/testdata/interop/differential"
)

func TestParseAbsah(t *testing.T) {
	tests := []struct {
		name, line       string
		field            string
		integrity, trust differential.Class
	}{
		{"good", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"TOTAL-PASSED","intact":true,"changes":{"level":"FORM"}}]}`,
			"S", differential.Accepts, differential.Accepts},
		{"changed", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"TOTAL-FAILED","subIndication":"FORMAT_FAILURE","intact":true,"changes":{"level":"OTHER"}}]}`,
			"S", differential.Rejects, differential.Rejects},
		{"annotated at P=3", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"INDETERMINATE","intact":true,"changes":{"level":"ANNOTATION"}}]}`,
			"S", differential.Rejects, differential.Unsure},
		{"digest", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"TOTAL-FAILED","subIndication":"HASH_FAILURE","intact":false,"changes":{"level":"NONE"}}]}`,
			"S", differential.Rejects, differential.Rejects},
		{"no signer found", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"INDETERMINATE","intact":false,"changes":{"level":"NONE"}}]}`,
			"S", differential.Unsure, differential.Unsure},
		{"revoked", `{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","indication":"TOTAL-FAILED","subIndication":"REVOKED","intact":true,"changes":{"level":"NONE"}}]}`,
			"S", differential.Accepts, differential.Rejects},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := differential.ParseAbsah([]byte(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			got := v.Signatures[tt.field]
			if got.Integrity != tt.integrity || got.Trust != tt.trust {
				t.Errorf("got integrity %q, trust %q, want %q, %q", got.Integrity, got.Trust, tt.integrity, tt.trust)
			}
		})
	}
}

func TestParseAbsahLeavesTimestampsOut(t *testing.T) {
	v, err := differential.ParseAbsah([]byte(`{"schema":"absah/verdict/1","verdict":"NO_SIGNATURE","warnings":["w"],"signatures":[{"field":"T","type":"document-timestamp"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Signatures) != 0 || v.Why != "NO_SIGNATURE w" {
		t.Errorf("got %+v, want no signatures and the verdict of the file", v)
	}
}

func TestParseAbsahRefusesOtherSchemas(t *testing.T) {
	for _, line := range []string{``, `{}`, `{"schema":"absah/verdict/2"}`, `[]`} {
		if _, err := differential.ParseAbsah([]byte(line)); err == nil {
			t.Errorf("%q is taken for a verdict", line)
		}
	}
}

func TestOfJudge(t *testing.T) {
	tests := []struct {
		name             string
		signature        differential.Signature
		integrity, trust differential.Class
	}{
		{"EU DSS passes", differential.Signature{Indication: "TOTAL_PASSED", Intact: true}, differential.Accepts, differential.Accepts},
		{"EU DSS passes and warns of a change", differential.Signature{Indication: "TOTAL_PASSED", Intact: true, Changes: "undefined: /Root"}, differential.Rejects, differential.Accepts},
		{"pyHanko passes", differential.Signature{Indication: "PASSED", Intact: true}, differential.Accepts, differential.Accepts},
		{"pyHanko fails a value", differential.Signature{Indication: "FAILED", SubIndication: "SIG_CRYPTO_FAILURE"}, differential.Rejects, differential.Rejects},
		{"a stumble", differential.Signature{Indication: "ERROR"}, differential.Unsure, differential.Unsure},
		{"untrusted", differential.Signature{Indication: "INDETERMINATE", SubIndication: "NO_CERTIFICATE_CHAIN_FOUND", Intact: true}, differential.Accepts, differential.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.signature.Field = "S"
			got := differential.OfJudge([]differential.Signature{tt.signature}, "").Signatures["S"]
			if got.Integrity != tt.integrity || got.Trust != tt.trust {
				t.Errorf("got integrity %q, trust %q, want %q, %q", got.Integrity, got.Trust, tt.integrity, tt.trust)
			}
		})
	}
}

func FuzzParseAbsah(f *testing.F) {
	f.Add([]byte(`{"schema":"absah/verdict/1","signatures":[{"field":"S","type":"signature","changes":{"level":"NONE"}}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		v, err := differential.ParseAbsah(line)
		if err == nil && len(v.Signatures) > 0 && v.Why != "" {
			t.Errorf("signatures, and a reason why there are none: %+v", v)
		}
	})
}
