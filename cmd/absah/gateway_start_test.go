package main

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki/lab"
)

// TestGatewayStart starts gateways that must not start.
func TestGatewayStart(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{})
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.stop()
	for _, s := range []struct {
		id  string
		run func(t *testing.T, f *office)
	}{
		{"S14", testOtherAnchors},
		{"S17", testClockBehind},
		{"S09", testOtherSealKey},
		{"S25", testOldDatabase},
		{"S11", testKilled},
	} {
		t.Run(s.id, func(t *testing.T) { s.run(t, f) })
	}
}

func (f *office) refusesToStart(t testing.TB, why string) {
	t.Helper()
	status, said := f.run("serve", f.config)
	if status == 0 || !strings.Contains(said, why) {
		t.Errorf("started: %d %s; want %q", status, said, why)
	}
}

func (f *office) worksAgain(t testing.TB) {
	t.Helper()
	f.start()
	f.seal(t, "e-office", letter(), bySeal).ok(t, http.StatusOK)
	f.stop()
}

// testOtherAnchors is S14: anchors count when two people have approved them.
func testOtherAnchors(t *testing.T, f *office) {
	other, err := lab.Start(lab.Config{})
	f.must(err)
	defer other.Close()
	trust := f.read("trust.pem")
	f.write("trust.pem", trust+string(other.TrustPEM()))
	f.refusesToStart(t, "not those that were approved")
	db := f.sqlite(t)
	t.Run("edited in the database", func(t *testing.T) {
		var set gateway.AnchorSet
		cfg, err := loadConfig(f.config)
		f.must(err)
		s := &gatewayService{cfg: cfg}
		f.must(s.openTrust(t.Context()))
		set = s.anchors.set()
		var (
			id  string
			was []byte
		)
		f.must(db.QueryRow(`SELECT id, payload FROM proposals WHERE kind = 'trust.anchors' ORDER BY id DESC LIMIT 1`).Scan(&id, &was))
		_, err = db.Exec(`UPDATE proposals SET payload = ? WHERE id = ?`, fmt.Appendf(nil, `{"sha256":%q,"names":[]}`, set.SHA256), id)
		f.must(err)
		f.refusesToStart(t, "not on record")
		_, err = db.Exec(`UPDATE proposals SET payload = ? WHERE id = ?`, was, id)
		f.must(err)
	})
	t.Run("approved by a second person", func(t *testing.T) {
		f.write("trust.pem", trust+string(other.TrustPEM()))
		status, id := f.runAs("siti", "trust", "propose", f.config)
		if status != 0 {
			t.Fatal(id)
		}
		id = strings.TrimSpace(id)
		f.refusesToStart(t, "not those that were approved")
		if status, said := f.runAs("siti", "trust", "approve", f.config, id, "--reason", "perlu"); status == 0 {
			t.Errorf("approved by the person who proposed it: %s", said)
		}
		if status, said := f.runAs("budi", "trust", "approve", f.config, id, "--reason", "perlu"); status != 0 {
			t.Fatal(said)
		}
		f.worksAgain(t)
		f.write("trust.pem", trust)
		f.refusesToStart(t, "not those that were approved")
		f.write("trust.pem", trust+string(other.TrustPEM()))
	})
}

// testClockBehind is S17 with a clock that is behind what is on record.
func testClockBehind(t *testing.T, f *office) {
	db := f.sqlite(t)
	var was int64
	f.must(db.QueryRow(`SELECT at FROM time_floor`).Scan(&was))
	if was == 0 {
		t.Error("the floor was never raised")
	}
	_, err := db.Exec(`UPDATE time_floor SET at = ?`, time.Now().Add(24*time.Hour).UnixMicro())
	f.must(err)
	f.start()
	f.still(t, func() {
		a := f.seal(t, "e-office", letter(), bySeal)
		a.problem(t, http.StatusServiceUnavailable, "clock")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		f.do(t, call{path: "/readyz"}).ok(t, http.StatusServiceUnavailable)
	})
	f.stop()
	_, err = db.Exec(`UPDATE time_floor SET at = ?`, was)
	f.must(err)
	f.worksAgain(t)
}

// testOtherSealKey is S09 for the seal of the configuration.
func testOtherSealKey(t *testing.T, f *office) {
	seal := f.read("seal.pem")
	f.must(writeChain(f.path("seal.pem"), f.signers["bupati"].cert, []*x509.Certificate{f.lab.Issuing()}))
	f.refusesToStart(t, "is not the certificate of the key")
	// An identifier on the token is only a name: who makes a key chooses it.
	m := f.token.Start(t)
	id := sha256.Sum256(f.signers["bupati"].cert.RawSubjectPublicKeyInfo)
	_, err := m.Generate(t.Context(), hsm.KeySpec{Label: "twin", ID: id[:], Algorithm: hsm.RSA2048})
	f.must(err)
	configured := f.read("absah.yaml")
	f.write("absah.yaml", strings.Replace(configured, "key: seal,", "key: twin,", 1))
	f.refusesToStart(t, "is not the certificate of the key")
	f.write("absah.yaml", configured)
	f.write("seal.pem", seal)
}

// testOldDatabase is S25: a copy from before the last signatures.
func testOldDatabase(t *testing.T, f *office) {
	if status, said := f.run("backup", f.config, f.path("backup.db")); status != 0 {
		t.Fatal(said)
	}
	for range 3 {
		f.worksAgain(t)
	}
	for _, name := range []string{"absah.db", "absah.db-wal", "absah.db-shm"} {
		if err := os.Rename(f.path(name), f.path(name+".new")); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	f.write("absah.db", f.read("backup.db"))
	f.refusesToStart(t, "log")
	for _, name := range []string{"absah.db", "absah.db-wal", "absah.db-shm"} {
		_ = os.Remove(f.path(name))
		if err := os.Rename(f.path(name+".new"), f.path(name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	f.worksAgain(t)
}

// runAs runs a command as sudo would for a user.
func (f *office) runAs(user string, args ...string) (int, string) {
	f.t.Helper()
	f.sudo = user
	defer func() { f.sudo = "" }()
	return f.run(args...)
}
