package bundle_test

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// TestWitnesses: who names witnesses learns whether they have seen the
// checkpoint, from Verify and from the script.
func TestWitnesses(t *testing.T) {
	path := tools(t)
	store := new(evidencetest.Store)
	var asked []evidence.Witness
	var vkeys []string
	for n := range byte(2) {
		w := &evidencetest.Witness{Name: fmt.Sprintf("saksi%d.contoh.example", n+1), Key: logKey(50 + n), Origin: origin, LogKeys: []string{vkeyOf(t, 1)}}
		server := httptest.NewServer(w)
		defer server.Close()
		asked, vkeys = append(asked, evidence.Witness{URL: server.URL, VKey: w.VKey()}), append(vkeys, w.VKey())
	}
	stranger := (&evidencetest.Witness{Name: "saksi3.contoh.example", Key: logKey(59)}).VKey()
	impostor := (&evidencetest.Witness{Name: "saksi1.contoh.example", Key: logKey(59)}).VKey()
	log, err := evidence.New(evidence.Config{Store: store, Origin: origin, Signer: logKey(1), Witnesses: asked})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{log: log, store: store}
	w.other(t, 0, 5)
	w.integrate(t)
	if err := log.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	proofs, err := log.Prove(t.Context(), "0193f2a4-7c1e-7d3a-9b5c-000000000002")
	if err != nil {
		t.Fatal(err)
	}
	logVKey, receiptVKey := log.Keys()
	whole := bundle.Input{Origin: origin, Keys: []string{logVKey, receiptVKey}, Proofs: proofs}
	with := func(lines ...string) bundle.Input {
		in := whole
		in.Proofs = slices.Clone(proofs)
		in.Proofs[0].Checkpoint.Cosignatures = lines
		return in
	}
	lines := proofs[0].Checkpoint.Cosignatures
	change := func(at int) string {
		name, sig, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(lines[0], "\n"), "— "), " ")
		raw, err := base64.StdEncoding.DecodeString(sig)
		if err != nil {
			t.Fatal(err)
		}
		raw[at] ^= 1
		return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(raw))
	}
	first := vkeys[0]
	if !strings.Contains(lines[0], "saksi1") {
		first = vkeys[1]
	}
	for name, tt := range map[string]struct {
		in    bundle.Input
		named []string
		want  bundle.State
	}{
		"both":                     {whole, vkeys, bundle.Holds},
		"one of two":               {whole, vkeys[1:], bundle.Holds},
		"a stranger too":           {whole, append(slices.Clone(vkeys), stranger), bundle.Unproven},
		"another of the same name": {whole, []string{impostor}, bundle.Unproven},
		"nobody has":               {with(), vkeys, bundle.Unproven},
		"one has not":              {with(lines[1]), vkeys, bundle.Unproven},
		"a changed signature":      {with(change(40), lines[1]), []string{first}, bundle.Fails},
		"a changed time":           {with(change(11), lines[1]), []string{first}, bundle.Fails},
		"a time beyond all":        {with(change(4), lines[1]), []string{first}, bundle.Fails},
		"of another key":           {with(change(0), lines[1]), []string{first}, bundle.Unproven},
		"the log's own key":        {whole, []string{logVKey}, bundle.Fails},
		"no key":                   {whole, []string{"saksi+00000000+AAAA"}, bundle.Fails},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := write(t, tt.in)
			r := verify(t, b, bundle.Options{LogKeys: []string{logVKey, receiptVKey}, Witnesses: tt.named})
			if got := stateOf(r, "witnesses"); got != tt.want || len(r.Failed()) > 1 {
				t.Errorf("got %s, failed %v; want %s", got, r.Failed(), tt.want)
			}
			_, states, out := script(t, path, unzip(t, b).unpack(t), nil, "-k", keyFile(t, logVKey, receiptVKey), "-w", keyFile(t, tt.named...))
			compare(t, r, states, out)
		})
	}
}
