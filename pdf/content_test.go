package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/absah-id/absah/pdf"
)

func TestScanContent(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "/Tx BMC q BT /F1 12 Tf (a\\)b) Tj [(x) -20.5 <41>] TJ ET Q EMC",
			"BMC/Tx q BT Tf/F1 12 Tj(a\\)b) TJ[(x) -20.5 (A)] ET Q EMC"},
		{"operators with marks", "0 0 RG (a) ' 1 2 (b) \" f* % comment\nb*", "RG0 0 '(a) \"1 2(b) f* b*"},
		{"words", "true false null op", "optrue false null"},
		{"inline image", "q BI /W 1 ID \xff\xfe EI", "q BI stop"},
		{"bad", "q (open", "q malformed"},
		{"stray", "q ) Q", "q malformed"},
		{"too many operands", strings.Repeat("1 ", 65) + "x", "limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			stop := errors.New("stop")
			err := pdf.ScanContent([]byte(c.in), func(op string, args []pdf.Object) error {
				var b []byte
				for i, a := range args {
					if f := pdf.Format(nil, a); i > 0 && !bytes.ContainsAny(f[:1], "/([<") {
						b = append(append(b, ' '), f...)
					} else {
						b = append(b, f...)
					}
				}
				got = append(got, op+string(b))
				if op == "BI" {
					return stop
				}
				return nil
			})
			var m *pdf.MalformedError
			var l *pdf.LimitError
			switch {
			case errors.As(err, &m):
				got = append(got, "malformed")
			case errors.As(err, &l):
				got = append(got, "limit")
			case err != nil:
				got = append(got, fmt.Sprint(err))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

// TestScanLongContent: what bounds one object does not bound a page full of
// paths, which has millions of operands.
func TestScanLongContent(t *testing.T) {
	const lines = 400_000
	n := 0
	err := pdf.ScanContent([]byte(strings.Repeat("1 2 l ", lines)), func(string, []pdf.Object) error { n++; return nil })
	if err != nil || n != lines {
		t.Errorf("got %d operators and %v, want %d and nil", n, err, lines)
	}
}
