package font_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/font"
)

// objects is a Writer that keeps what it is given.
type objects []pdf.Object

func (o *objects) Add(x pdf.Object) pdf.Ref {
	*o = append(*o, x)
	return pdf.Ref{Num: uint32(len(*o))}
}

func (o *objects) bytes() (out []byte) {
	for _, x := range *o {
		out = pdf.Format(out, x)
	}
	return out
}

func TestFace(t *testing.T) {
	faces := map[string]func() (*font.Face, error){"GoRegular": font.Regular, "GoBold": font.Bold, "GoMono": font.Mono}
	for name, open := range faces {
		t.Run(name, func(t *testing.T) {
			embed := func() []byte {
				f, err := open()
				if err != nil {
					t.Fatal(err)
				}
				if f.Used() {
					t.Error("used before anything was shown")
				}
				if got := f.Show("aba"); got != "<000100020001>" {
					t.Errorf("Show gives %s", got)
				}
				if !f.Used() || !f.Has('é') || f.Has('漢') {
					t.Error("wrong about what it has")
				}
				if sum := f.Width("a") + f.Width("b"); math.Abs(f.Width("ab")-sum) > 1e-9 || sum <= 0 {
					t.Errorf("Width of ab is %g, of its letters %g", f.Width("ab"), sum)
				}
				var o objects
				ref, err := f.Embed(&o)
				if err != nil {
					t.Fatal(err)
				}
				base, _ := o[ref.Num-1].(pdf.Dict)["BaseFont"].(pdf.Name)
				if got := string(base); len(got) != 7+len(name) || got[7:] != name {
					t.Errorf("BaseFont is %s", got)
				}
				return o.bytes()
			}
			if !bytes.Equal(embed(), embed()) {
				t.Error("the same text gives other bytes")
			}
		})
	}
}
