package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/absah-id/absah/api"
)

// wish has what the bodies of requests have.
type wish struct {
	Name   string          `json:"name"`
	Inner  *wish           `json:"inner"`
	Lines  []string        `json:"lines"`
	Bytes  []byte          `json:"bytes"`
	Free   json.RawMessage `json:"free"`
	Hidden string          `json:"-"`
	embedded
}

type embedded struct {
	Number float64 `json:"number"`
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		json string
		ok   bool
	}{
		{`{}`, true},
		{` { "name" : "é \u00e9 \ud83d\ude00 \\u0000 \" }" , "number" : -1.5e3 } `, true},
		{`{"inner":{"inner":{"name":"x"}},"lines":["a","b"],"bytes":"AAAA","free":{"Any":[1,true,{"thing":{}}]}}`, true},
		{`{"free":{"any":null}}`, false},
		{`{"free":{"any":1,"any":2}}`, false},
		{`{"inner":{"Name":"x"}}`, false},
		{`{"Number":1}`, false},
		{`{"Hidden":"x"}`, false},
		{`{"embedded":{}}`, false},
		{`{"lines":[null]}`, false},
		{`{"lines":["\u0000"]}`, false},
		{`{"n\u0061me":"x"}`, true},
		{`{"name":"x","n\u0061me":"x"}`, false},
		{`"\ud83d"`, false},
		{`{"name":"\udc00\ud800"}`, false},
		{`{"name":"` + "\xed\xa0\x80" + `"}`, false},
		{"\ufeff{}", false},
		{`{}{}`, false},
		{`[]`, false},
		{``, false},
		{` `, false},
	} {
		if err := api.Decode([]byte(test.json), new(wish)); (err == nil) != test.ok {
			t.Errorf("%s: got %v, want accepted: %v", test.json, err, test.ok)
		}
	}
}

// FuzzDecode: what is accepted is accepted by the decoder of the library, which
// understands the same when it is written anew.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x","inner":{"lines":["a"]},"number":1}`, `{"free":[{"a":{"b":[1,2,{}]}}]}`, `"\ud83d"`, `{"name":"\ud83d\ude00"}`, `null`, `{"name":"x","name":"y"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, again wish
		if api.Decode(raw, &got) != nil {
			return
		}
		if !utf8.Valid(raw) {
			t.Fatal("accepted what is not UTF-8")
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &again); err != nil || again.Name != got.Name || len(again.Lines) != len(got.Lines) {
			t.Fatalf("read back as %+v, %v", again, err)
		}
	})
}

// TestWrongTypeNamed: of a member of another type its own path is told, and no
// name of the code.
func TestWrongTypeNamed(t *testing.T) {
	type lookBody struct {
		Visible struct {
			QR string `json:"qr"`
		} `json:"visible"`
	}
	var into struct{ lookBody }
	err := api.Decode([]byte(`{"visible":{"qr":true}}`), &into)
	if err == nil || !strings.Contains(err.Error(), ": visible.qr must not be a bool") {
		t.Errorf("got %v, want visible.qr named", err)
	}
}
