package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/lab"
)

// TestGatewayBundleBelowLT: below B-LT the document holds no revocation data; the
// bundle does all the same, of every certificate of the signer's path, and so is
// proven to whoever has the log's keys and the root, by the program and by hand.
func TestGatewayBundleBelowLT(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	keys := f.printKeys(t, "keys")
	for _, level := range []string{"B-B", "B-T"} {
		for range 2 { // the second time it is kept already
			a := f.seal(t, "e-office", letter(), bySeal.with(fields{"level": level})).ok(t, http.StatusOK)
			f.write("sealed.pdf", string(a.body))
			said, script := f.verifies(t, f.bundle(t, a.header.Get("Absah-Operation")), keys, f.path("sealed.pdf"), 0)
			if !strings.Contains(said, "holds    revocation") || !strings.Contains(script, "holds    revocation") {
				t.Errorf("%s: nothing about revocation:\n%s%s", level, said, script)
			}
		}
	}
	f.stop()
}

// TestGatewayStatusLater: who accepts a signature although nobody can say whether
// its certificate is revoked has that on record, and the bundle is not proven. When
// it can be learnt it is, also on record, and bundles are proven from then on; that
// the certificate was revoked after the signature does no harm.
func TestGatewayStatusLater(t *testing.T) {
	t.Parallel()
	f := newOffice(t, officeOptions{yaml: stampedOften})
	keys := f.printKeys(t, "keys")
	broken := func(how lab.Fault) {
		f.lab.SetFault(lab.OCSP, how)
		f.lab.SetFault(lab.CRL, how)
	}
	learn := func(want int) {
		t.Helper()
		f.act(func(s *gatewayService) {
			learnt, err := s.gateway.LearnStatuses(t.Context())
			if want > 0 { // an answer may take longer than is waited for
				eventually(t, 30*time.Second, "the statuses are learnt", func() bool {
					if err == nil {
						return true
					}
					var n int
					n, err = s.gateway.LearnStatuses(t.Context())
					learnt += n
					return err == nil
				})
			}
			if learnt != want {
				t.Errorf("learnt of %d, %v; want %d", learnt, err, want)
			}
		})
	}
	accepted := fields{"level": "B-B", "fallback": true}
	broken(lab.Down)
	f.seal(t, "e-office", letter(), bySeal.with(fields{"level": "B-B"})).problem(t, http.StatusServiceUnavailable, "revocation-unavailable")
	var operations []string
	for _, a := range []answer{
		f.seal(t, "e-office", letter(), bySeal.with(accepted)), f.seal(t, "e-office", letter(), bySeal.with(accepted)),
		f.sign(t, "e-office", letter(), f.by("sekda").with(accepted)),
	} {
		operations = append(operations, a.ok(t, http.StatusOK).header.Get("Absah-Operation"))
	}
	learn(0)
	f.stop() // it would learn by itself, once a minute
	broken(lab.None)
	bundles := map[string]string{}
	f.act(func(s *gatewayService) {
		_, err := s.log.Integrate(t.Context())
		f.must(err)
		eventually(t, 30*time.Second, "the log has a timestamp", func() bool { return s.log.Stamp(t.Context()) == nil })
		for _, operation := range operations {
			var b bytes.Buffer
			f.must((&bundler{s}).Bundle(t.Context(), &b, &gateway.OnRecord{Operation: gateway.Operation{ID: operation}}))
			f.write(operation+".zip", b.String())
			bundles[operation] = f.path(operation + ".zip")
		}
	})
	stamped := time.Now()
	for _, operation := range operations {
		said, script := f.verifies(t, bundles[operation], keys, "", 2)
		if !strings.Contains(said, "unproven revocation") || !strings.Contains(script, "unproven revocation") {
			t.Errorf("the bundle does not say what it lacks:\n%s%s", said, script)
		}
		if !strings.Contains(said, "holds    log-time") {
			t.Errorf("the bundle has no timestamp:\n%s", said)
		}
	}
	eventually(t, 30*time.Second, "the timestamp is of a second ago", func() bool { return time.Since(stamped) > time.Second })
	f.must(f.lab.Revoke(f.signers["sekda"].cert, time.Now(), pki.KeyCompromise))
	learn(2)
	learn(0)
	f.start()
	for _, operation := range operations {
		f.verifies(t, f.bundle(t, operation), keys, "", 0)
	}
	events := f.operations(t, "kind=certificate.status.later")
	if len(events) != 2 {
		t.Errorf("%d events, want one for each certificate: %v", len(events), events)
	}
	f.act(func(s *gatewayService) {
		err := s.db.View(t.Context(), gateway.AllOrganisations, func(r gateway.Reader) error {
			entries, err := r.EntriesOf(t.Context(), operations[0])
			if err == nil && !strings.Contains(string(entries[len(entries)-1].Record), `"revocation":"owed"`) {
				t.Errorf("the outcome does not say that the status is owed: %s", entries[len(entries)-1].Record)
			}
			return err
		})
		f.must(err)
	})
	f.stop()
}
