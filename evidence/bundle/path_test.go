package bundle_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/internal/testkey"
	"github.com/absah-id/absah/pki/lab"
)

// TestPathEnds: a path ends with a root that the caller trusts. One that is
// shortened would leave out the authority of which somebody must say that it was not
// revoked.
func TestPathEnds(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	root := lab.ChainPEM(w.lab.Root())
	var list []mutant
	for name, id := range map[string]string{
		"signature/signer.pem": "certificate", "signature/timestamp-1.pem": "signature-time",
		"document/timestamp-1.pem": "document-time", "log/tsa.pem": "log-time",
	} {
		short, ok := bytes.CutSuffix(good.data[name], root)
		if !ok {
			t.Fatalf("%s does not end with the root", name)
		}
		list = append(list, mutant{name, good.with(name, short), id, bundle.Fails})
	}
	w.mutants(t, list)
}

// TestOtherAuthority: a timestamp is that of the authority whose path is here, not of
// any that the root has certified: of another nothing says that it was not revoked.
func TestOtherAuthority(t *testing.T) {
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	purpose, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}) // id-kp-timeStamping
	if err != nil {
		t.Fatal(err)
	}
	other, issuers, err := w.lab.Issue(testkey.P256(t).Public(), pkix.Name{CommonName: "TSA Contoh 2"}, lab.IssueOptions{
		NotBefore: time.Now().AddDate(0, 0, -1),
		Extra:     []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: purpose}},
	})
	if err != nil {
		t.Fatal(err)
	}
	word, err := w.source.OCSP(t.Context(), other, issuers[0], time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	for good.data[fmt.Sprintf("revocation/%d.ocsp", n)] != nil || good.data[fmt.Sprintf("revocation/%d.crl", n)] != nil {
		n++
	}
	path := lab.ChainPEM(other, issuers[0], w.lab.Root())
	var list []mutant
	for name, id := range map[string]string{
		"signature/timestamp-1.pem": "signature-time", "document/timestamp-1.pem": "document-time", "log/tsa.pem": "log-time",
	} {
		list = append(list, mutant{name, good.plus(fmt.Sprintf("revocation/%d.ocsp", n), word).with(name, path), id, bundle.Fails})
	}
	w.mutants(t, list)
}
