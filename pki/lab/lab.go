package lab

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/absah-id/absah/pki"
)

// KeyAlgorithm names the keys that a lab makes for its own authorities.
type KeyAlgorithm string

// The key algorithms of a lab. RSA-4096 takes seconds to generate.
const (
	ECDSAP256 KeyAlgorithm = "ecdsa-p256"
	ECDSAP384 KeyAlgorithm = "ecdsa-p384"
	RSA2048   KeyAlgorithm = "rsa-2048"
	RSA3072   KeyAlgorithm = "rsa-3072"
	RSA4096   KeyAlgorithm = "rsa-4096"
)

// Config describes a lab. The zero value is a fast one that lives in memory
// on a free port.
type Config struct {
	// Dir keeps keys, certificates, the address and the register of what was
	// issued and revoked. A lab started again on the same Dir is the same
	// authority at the same address. Empty means memory only.
	Dir string
	// Addr is the loopback host:port to listen on. Empty means the port
	// stored in Dir, or a free one of 127.0.0.1.
	Addr string
	// RootKey and Key choose the keys of the root, and of issuing authority,
	// TSA and responder; empty means ECDSAP256. A Dir keeps what it has.
	RootKey, Key KeyAlgorithm
	// Clock is the lab's time; nil means time.Now.
	Clock func() time.Time
	// OCSPLifetime and CRLLifetime lie between thisUpdate and nextUpdate;
	// zero means one hour and one day. thisUpdate is always the current
	// second, so that an answer asked for after a timestamp is not older.
	OCSPLifetime, CRLLifetime time.Duration
	// SlowFor is how long a service with the fault Slow waits before it
	// answers after all; zero means until the client gives up.
	SlowFor time.Duration
}

// TSAPolicy is the policy of the lab's timestamps, in the arc that ITU-T
// X.660 reserves for examples.
var TSAPolicy = asn1.ObjectIdentifier{2, 999, 2, 1}

// Lab is a running PKI. Close stops it.
type Lab struct {
	cfg    Config
	base   string // http://host:port
	addr   string
	server *http.Server
	served chan struct{} // closed when the server goroutine has ended
	quit   chan struct{} // closed by Close: slow answers end
	once   sync.Once

	root, issuing, tsa         *authority
	rootResponder, caResponder *authority
	badTSA, badResponder       *authority // same keys as tsa and caResponder, wrong extended key usage
	rogue                      rogue

	mu       sync.Mutex
	register register          // guarded by mu
	faults   map[Service]Fault // guarded by mu
	requests map[Service]int   // guarded by mu
}

// authority is a key with its certificate.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// Start makes or loads the PKI and serves it until Close. Errors are those of
// the file system, the listener, or a Dir that does not belong to a lab.
func Start(cfg Config) (*Lab, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.OCSPLifetime == 0 {
		cfg.OCSPLifetime = time.Hour
	}
	if cfg.CRLLifetime == 0 {
		cfg.CRLLifetime = 24 * time.Hour
	}
	l := &Lab{cfg: cfg, faults: make(map[Service]Fault), requests: make(map[Service]int), served: make(chan struct{}), quit: make(chan struct{})}
	if err := l.load(); err != nil {
		return nil, err
	}
	ln, err := l.listen()
	if err != nil {
		return nil, err
	}
	if err := l.establish(); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	l.server = &http.Server{Handler: l.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(l.served)
		_ = l.server.Serve(ln) // always returns an error; Close is the only cause
	}()
	return l, nil
}

func (l *Lab) listen() (net.Listener, error) {
	addr := l.cfg.Addr
	if addr == "" {
		addr = l.register.Addr
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("lab: address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("lab: the address %s is not loopback", addr)
	}
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l.addr = ln.Addr().String()
	if stored := l.register.Addr; stored != "" && stored != l.addr {
		return nil, errors.Join(fmt.Errorf("lab: the certificates in %s point to %s, not to %s", l.cfg.Dir, stored, l.addr), ln.Close())
	}
	l.base = "http://" + l.addr
	return ln, nil
}

// Close stops serving and waits until nothing of the lab runs any more.
func (l *Lab) Close() error {
	var err error
	l.once.Do(func() {
		close(l.quit)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err = l.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			err = l.server.Close()
		}
		<-l.served
	})
	return err
}

func (l *Lab) now() time.Time { return l.cfg.Clock().UTC().Truncate(time.Second) }

// Addr is host:port of the listener, for the allow-list of a fetch client.
func (l *Lab) Addr() string { return l.addr }

// URL is the base address without a trailing slash.
func (l *Lab) URL() string { return l.base }

// TSAURL is where RFC 3161 requests are posted.
func (l *Lab) TSAURL() string { return l.base + "/tsa" }

// Root is the trust anchor.
func (l *Lab) Root() *x509.Certificate { return l.root.cert }

// Issuing is the authority that issues to signers, TSA and responder.
func (l *Lab) Issuing() *x509.Certificate { return l.issuing.cert }

// TSA is the certificate that signs timestamps.
func (l *Lab) TSA() *x509.Certificate { return l.tsa.cert }

// Responder is the certificate that signs OCSP responses for the issuing
// authority.
func (l *Lab) Responder() *x509.Certificate { return l.caResponder.cert }

// Anchors trust the root.
func (l *Lab) Anchors() *pki.Anchors { return pki.NewAnchors(l.root.cert) }

// TrustPEM is the root in PEM, as --trust takes it.
func (l *Lab) TrustPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.root.cert.Raw})
}

// ChainPEM writes certificates one after the other, as --cert takes them.
func ChainPEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}
