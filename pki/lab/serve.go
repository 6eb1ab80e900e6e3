package lab

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/absah-id/absah/pki"
	"github.com/digitorus/timestamp"
)

// Caps of what clients accept, and one byte less than Oversize sends.
const (
	maxSmall = 1 << 20
	maxList  = 20 << 20
	// maxRequest is what the lab reads: requests are below a kilobyte.
	maxRequest = 64 << 10
)

func (l *Lab) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tsa", l.serve(TSA, "application/timestamp-reply", maxSmall, l.timestamp))
	mux.HandleFunc("POST /ocsp", l.serve(OCSP, "application/ocsp-response", maxSmall, l.ocsp))
	lists := map[string]*authority{"root": l.root, "issuing": l.issuing}
	for name, ca := range lists {
		mux.HandleFunc("GET /crl/"+name+".crl", l.serve(CRL, "application/pkix-crl", maxList,
			func(_ []byte, f Fault) ([]byte, error) { return l.crl(ca, f) }))
		mux.HandleFunc("GET /aia/"+name+".cer", l.serve(AIA, "application/pkix-cert", maxSmall,
			func([]byte, Fault) ([]byte, error) { return ca.cert.Raw, nil }))
	}
	return mux
}

// serve reads the request, applies the faults that need no protocol and
// leaves the rest to answer.
func (l *Lab) serve(s Service, mediaType string, limit int, answer func([]byte, Fault) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault := l.begin(s)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "permintaan tidak terbaca", http.StatusBadRequest)
			return
		}
		if l.spoil(w, r, fault, mediaType, limit) {
			return
		}
		out, err := answer(body, fault)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		write(w, out)
	}
}

// write ends an answer. A client that has gone away is no concern of the lab.
func write(w io.Writer, b []byte) { _, _ = w.Write(b) }

// moment is thisUpdate or genTime under a fault.
func (l *Lab) moment(f Fault) time.Time {
	switch f {
	case Stale:
		return l.now().Add(-48 * time.Hour)
	case Future:
		return l.now().Add(24 * time.Hour)
	}
	return l.now()
}

func (l *Lab) timestamp(body []byte, f Fault) ([]byte, error) {
	req, err := timestamp.ParseRequest(body)
	if err != nil {
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadDataFormat)
	}
	switch {
	case f == Reject:
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.SystemFailure)
	case len(req.TSAPolicyOID) > 0 && !req.TSAPolicyOID.Equal(TSAPolicy):
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.UnacceptedPolicy)
	case req.HashAlgorithm != crypto.SHA256 && req.HashAlgorithm != crypto.SHA384 && req.HashAlgorithm != crypto.SHA512:
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
	}
	by, chain := l.tsa, l.issuing
	switch f {
	case WrongEKU:
		by = l.badTSA
	case WrongResponder:
		if err := l.stranger(); err != nil {
			return nil, err
		}
		by, chain = l.rogue.tsa, l.rogue.ca
	}
	ts := timestamp.Timestamp{
		HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Nonce: req.Nonce, Time: l.moment(f),
		Policy: TSAPolicy, Accuracy: time.Second, AddTSACertificate: req.Certificates,
	}
	if req.Certificates {
		ts.Certificates = []*x509.Certificate{chain.cert}
	}
	if f == WrongNonce {
		ts.Nonce = big.NewInt(1)
	}
	if f == WrongImprint {
		ts.HashedMessage = append([]byte{^req.HashedMessage[0]}, req.HashedMessage[1:]...)
	}
	out, err := ts.CreateResponseWithOpts(by.cert, by.key, crypto.SHA256)
	if f == BadSignature && err == nil {
		out[len(out)-1] ^= 1 // the signature value is the last field of the token
	}
	return out, err
}

// crl makes a new list at each request, so that thisUpdate is now.
func (l *Lab) crl(ca *authority, f Fault) ([]byte, error) {
	this := l.moment(f)
	t := &x509.RevocationList{Number: big.NewInt(this.UnixMilli()), ThisUpdate: this, NextUpdate: this.Add(l.cfg.CRLLifetime)}
	l.mu.Lock()
	for serial, e := range l.register.Issued {
		if e.ByRoot != (ca == l.root) {
			continue
		}
		at, reason := e.RevokedAt, e.Reason
		if f == RevokedStatus && at.IsZero() {
			at, reason = this, int(pki.KeyCompromise)
		}
		if n, ok := new(big.Int).SetString(serial, 16); ok && !at.IsZero() {
			t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: at, ReasonCode: reason})
		}
	}
	l.mu.Unlock()
	key := ca.key
	if f == WrongResponder {
		if err := l.stranger(); err != nil {
			return nil, err
		}
		// The stranger's certificate has the authority's name.
		der, err := x509.CreateRevocationList(rand.Reader, t, l.rogue.ca.cert, l.rogue.ca.key)
		return der, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, t, ca.cert, key)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if f == BadSignature {
		der[len(der)-1] ^= 1
	}
	return der, nil
}

// stranger makes, once, another authority with the same names.
func (l *Lab) stranger() error {
	l.rogue.once.Do(func() { l.rogue.err = l.makeStranger() })
	return l.rogue.err
}

func (l *Lab) makeStranger() error {
	ca, err := strangeAuthority(l.issuingTemplate(), nil)
	if err != nil {
		return err
	}
	t, err := l.tsaTemplate()
	if err != nil {
		return err
	}
	l.rogue.ca = ca
	if l.rogue.tsa, err = strangeAuthority(t, ca); err != nil {
		return err
	}
	l.rogue.responder, err = strangeAuthority(l.responderTemplate("Responder OCSP Contoh"), ca)
	return err
}

func strangeAuthority(t *x509.Certificate, by *authority) (*authority, error) {
	key, err := generate(ECDSAP256)
	if err != nil {
		return nil, err
	}
	if by == nil {
		by = &authority{key: key}
	}
	cert, err := create(t, key.Public(), by)
	return &authority{key: key, cert: cert}, err
}
