package verifier_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"testing"
	"time"

	"github.com/absah-id/absah/internal/testfile"
	"github.com/absah-id/absah/verifier"
)

// judgeAttack verifies a file of testdata/attacks at the moment of its row.
func judgeAttack(t *testing.T, name string) *verifier.Report {
	t.Helper()
	for _, a := range testfile.Attacks(t) {
		if a.File == name {
			b := a.Bytes(t)
			return verifyInput(t, attackConfig(t, "gov"), verifier.Input{Reader: bytes.NewReader(b), Size: int64(len(b)), Name: name}, a.At)
		}
	}
	t.Fatalf("no attack file is called %s", name)
	return nil
}

func TestMaterial(t *testing.T) {
	r := judgeAttack(t, "ok-b-lta.pdf")
	s := r.Signatures[0]
	if len(s.Path) < 2 || !s.Path[len(s.Path)-1].Anchor || s.Path[0].Status.State != "good" || len(s.Path[0].Status.Evidence) == 0 {
		t.Fatalf("the path is %+v", s.Path)
	}
	if string(s.Path[0].DER) != string(s.Certificate) {
		t.Error("the path does not begin with the signer's certificate")
	}
	if s.Proof.By == nil || s.Proof.By.Kind != "signature" || !s.Proof.Time.Equal(s.BestTime) {
		t.Errorf("best time %v is proven by %+v", s.BestTime, s.Proof)
	}
	// The document timestamp covers the certificates and the revocation data.
	for _, poe := range []verifier.POE{s.Path[0].POE, s.Path[0].Status.POE} {
		if poe.By == nil || poe.By.Kind != "document" || !poe.Time.Before(r.At) {
			t.Errorf("proof of existence %+v", poe)
		}
	}
	m := s.Material
	if m.Hash != crypto.SHA256 || len(m.Digest) != 32 || len(m.Value) == 0 || m.SignedAttributes[0] != 0x31 || m.ByteRange[2] == 0 {
		t.Errorf("material %+v", m)
	}
	if len(s.Timestamps) != 1 || len(s.Timestamps[0].DER) == 0 || len(s.Timestamps[0].Path) < 2 {
		t.Errorf("timestamps %+v", s.Timestamps)
	}
}

func TestMaterialOfRevoked(t *testing.T) {
	r := judgeAttack(t, "r18-revoked.pdf")
	status := r.Signatures[0].Path[0].Status
	if status.State != "revoked" || status.RevokedAt.IsZero() || status.Reason == "" {
		t.Errorf("status %+v", status)
	}
}

func TestDetailedJSON(t *testing.T) {
	r := judgeAttack(t, "ok-b-t.pdf")
	plain, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	detailed, err := r.DetailedJSON()
	if err != nil {
		t.Fatal(err)
	}
	type block struct {
		Name, Clause, Indication string
		Constraints              []struct {
			Code string
			OK   bool
		}
		Blocks []block
	}
	var got struct {
		At         time.Time
		Signatures []struct{ Processes []block }
	}
	if err := json.Unmarshal(detailed, &got); err != nil {
		t.Fatal(err)
	}
	processes := got.Signatures[0].Processes
	if len(processes) != 2 || processes[0].Name != "ARCHIVAL" || processes[1].Name != "TIMESTAMP" || processes[0].Blocks[0].Name != "LTV" {
		t.Errorf("processes %+v", processes)
	}
	if bytes.Contains(plain, []byte(`"processes"`)) {
		t.Error("the contract's JSON has the key processes unasked")
	}
}
