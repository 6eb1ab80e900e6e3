package main

import (
	"encoding/asn1"
	"errors"
	"testing"
)

func TestParseSubject(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // values in the order of X.501; nil = refused
	}{
		{`CN=Seal`, []string{"Seal"}},
		{`CN=Seal,O=Kabupaten Contoh,C=ID`, []string{"ID", "Kabupaten Contoh", "Seal"}},
		{` cn = Seal , O= Kabupaten Contoh `, []string{"Kabupaten Contoh", "Seal"}},
		{`CN=Dinas Komunikasi\, Informatika`, []string{"Dinas Komunikasi, Informatika"}},
		{`CN=a\\,O=b`, []string{"b", `a\`}},
		{`CN=a\\\,O=b`, []string{`a\,O=b`}},
		{`CN=a\2cb`, []string{"a,b"}},
		{`CN=\C3\a9`, []string{"é"}},
		{`CN=a+b=c`, []string{"a+b=c"}},
		{`CN=198001012005011001`, []string{"198001012005011001"}}, // eighteen digits are no NIK
		{`CN=a\`, nil},
		{`CN=a\q`, nil},
		{`CN=a\4`, nil},
		{`CN=\ff`, nil},
		{`CN=`, nil},
		{`CN= `, nil},
		{`CN=a,`, nil},
		{``, nil},
		{`NIK=1`, nil},
		{`CN=Bupati Contoh,OU=32.01.01-010101-0001`, nil}, // a NIK
		{`CN`, nil},
	} {
		got, err := parseSubject(c.in)
		if _, usage := errors.AsType[*usageError](err); usage != (c.want == nil) || err != nil && !usage {
			t.Errorf("%q: error %v", c.in, err)
		}
		if len(got) != len(c.want) {
			t.Errorf("%q: got %v, want %q", c.in, got, c.want)
			continue
		}
		for i, rdn := range got {
			if rdn[0].Value != c.want[i] {
				t.Errorf("%q: value %d is %q, want %q", c.in, i, rdn[0].Value, c.want[i])
			}
		}
	}
}

func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{`CN=a\,b,O=c`, `CN=\5c\,`, `C=ID,`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := parseSubject(s)
		if err != nil {
			return
		}
		if _, err := asn1.Marshal(name); err != nil {
			t.Errorf("%q is accepted and cannot be encoded: %v", s, err)
		}
	})
}
