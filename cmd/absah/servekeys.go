package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/internal/fault"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/signer"
)

// keys is the HSM as the gateway sees it.
type keys struct {
	module *hsm.Module
	vault  *hsm.Vault

	// resident holds *hsm.Key by label: to look for one takes a module as long
	// as to sign with it. A key names label and identifier, so that another one
	// under the same label is never used in its place.
	resident sync.Map
}

var (
	_ gateway.Keys     = (*keys)(nil)
	_ gateway.KeyMaker = (*keys)(nil)
)

// boundKey is an HSM key whose calls end with a context, and whose errors are
// the gateway's.
type boundKey struct {
	key *hsm.Key
	ctx context.Context // crypto.MessageSigner has no room for one
}

func (k boundKey) Public() crypto.PublicKey { return k.key.Public() }
func (k boundKey) Close() error             { return k.key.Close() }

func (k boundKey) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return k.key.Sign(r, digest, o)
}

func (k boundKey) SignMessage(r io.Reader, msg []byte, o crypto.SignerOpts) ([]byte, error) {
	fault.Point("signature.before")
	sig, err := k.key.WithContext(k.ctx).SignMessage(r, msg, o)
	fault.Point("signature.after")
	return sig, keyError(err)
}

// keyError gives an error of the HSM the gateway's meaning too.
func keyError(err error) error {
	for _, m := range []struct{ is, means error }{
		{hsm.ErrPassphrase, gateway.ErrPassphrase},
		{hsm.ErrUnknownOutcome, gateway.ErrKeyUnknownOutcome},
		{hsm.ErrUnavailable, gateway.ErrKeyUnavailable},
		{hsm.ErrPIN, gateway.ErrKeyUnavailable},
		{hsm.ErrClosed, gateway.ErrKeyUnavailable},
		{hsm.ErrActivationLost, gateway.ErrKeyUnavailable},
	} {
		if errors.Is(err, m.is) {
			return fmt.Errorf("%w: %w", m.means, err)
		}
	}
	return err
}

func (k *keys) bind(ctx context.Context, key *hsm.Key, err error) (gateway.PersonalKey, error) {
	if err != nil {
		return nil, keyError(err)
	}
	return boundKey{key, ctx}, nil
}

func (k *keys) Resident(ctx context.Context, label string) (signer.Key, error) {
	if known, ok := k.resident.Load(label); ok {
		return residentKey{boundKey{known.(*hsm.Key), ctx}, k, label}, nil
	}
	key, err := k.module.Key(ctx, label)
	if err != nil {
		return nil, keyError(err)
	}
	k.resident.Store(label, key)
	return residentKey{boundKey{key, ctx}, k, label}, nil
}

// residentKey is a key that is looked for again after it failed: the operator
// may have replaced it.
type residentKey struct {
	boundKey
	keys  *keys
	label string
}

func (k residentKey) SignMessage(r io.Reader, msg []byte, o crypto.SignerOpts) ([]byte, error) {
	sig, err := k.boundKey.SignMessage(r, msg, o)
	if err != nil {
		k.keys.resident.CompareAndDelete(k.label, k.key)
	}
	return sig, err
}

func (k *keys) Open(ctx context.Context, signerID string, sealed, passphrase []byte) (gateway.PersonalKey, error) {
	key, err := k.vault.Activate(ctx, signerID, sealed, passphrase)
	return k.bind(ctx, key, err)
}

func (k *keys) Authorize(ctx context.Context, signerID string, sealed, passphrase, token, binding []byte) ([]byte, error) {
	b, err := k.vault.Authorize(ctx, signerID, sealed, passphrase, token, binding)
	return b, keyError(err)
}

func (k *keys) OpenAuthorized(ctx context.Context, signerID string, sealed, token, binding []byte) (gateway.PersonalKey, error) {
	key, err := k.vault.ActivateToken(ctx, signerID, sealed, token, binding)
	return k.bind(ctx, key, err)
}

func (k *keys) Generate(ctx context.Context, signerID, algorithm string, passphrase []byte, subject pkix.RDNSequence) (sealed, public, request []byte, err error) {
	alg, err := hsm.ParseAlgorithm(algorithm)
	if err != nil {
		return nil, nil, nil, err
	}
	made, err := k.vault.GenerateWrapped(ctx, signerID, alg, passphrase)
	if err != nil {
		return nil, nil, nil, keyError(err)
	}
	key, err := k.vault.Activate(ctx, signerID, made.Sealed, passphrase)
	if err != nil {
		return nil, nil, nil, keyError(err)
	}
	defer key.Close()
	if request, err = key.CertificateRequest(ctx, subject); err != nil {
		return nil, nil, nil, keyError(err)
	}
	public, err = x509.MarshalPKIXPublicKey(made.Public)
	return made.Sealed, public, request, err
}

func samePublicKey(key *hsm.Key, cert *x509.Certificate) bool {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return err == nil && string(der) == string(cert.RawSubjectPublicKeyInfo)
}

// documentStamper has signatures and documents timestamped.
type documentStamper struct{ client *watchedStamper }

func (d documentStamper) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	fault.Point("timestamp.before")
	token, err := d.client.Timestamp(ctx, h, digest)
	fault.Point("timestamp.after")
	return token, err
}

// checkpointStamper has checkpoints of the log timestamped, with what is
// needed to verify the timestamp in ten years.
type checkpointStamper struct {
	client  *watchedStamper
	source  pki.Source
	anchors *pki.Anchors
}

func (c *checkpointStamper) Timestamp(ctx context.Context, digest [32]byte) (evidence.Stamp, error) {
	var stamp evidence.Stamp
	der, err := c.client.Timestamp(ctx, crypto.SHA256, digest[:])
	if err != nil {
		return stamp, err
	}
	token, err := tsp.ParseToken(der)
	if err != nil {
		return stamp, err
	}
	authority, err := token.Signer()
	if err != nil {
		return stamp, err
	}
	at := token.Time
	path, err := pki.Chain(authority, token.SignedData.Certificates(), c.anchors, at, pki.Timestamping)
	if err != nil {
		return stamp, err
	}
	material, err := pki.Collect(ctx, path, c.source, at, time.Time{})
	if err != nil {
		return stamp, err
	}
	stamp.Token = der
	for _, cert := range append(path, material.Certificates...) {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: evidence.ArtefactCertificate, Data: cert.Raw})
	}
	for _, b := range material.OCSPs {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: evidence.ArtefactOCSP, Data: b})
	}
	for _, b := range material.CRLs {
		stamp.Material = append(stamp.Material, evidence.Blob{Kind: evidence.ArtefactCRL, Data: b})
	}
	return stamp, nil
}

// serverTLS returns nil when no certificate is configured. What is wrong with the
// files is a fault of the configuration.
func serverTLS(t config.TLS, logger *slog.Logger) (*tls.Config, error) {
	if t.Certificate == "" {
		return nil, nil
	}
	files := &certificateFiles{certificate: t.Certificate, key: t.Key, logger: logger}
	if _, err := files.get(nil); err != nil {
		return nil, usageErrorf("server.tls: %v", err)
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: authenticated, GetCertificate: files.get, NextProtos: []string{"h2", "http/1.1"},
	}
	if t.ClientCA == "" {
		return c, nil
	}
	pool := x509.NewCertPool()
	certs, err := readCertificates(t.ClientCA)
	if err != nil {
		return nil, usageErrorf("server.tls.client_ca: %v", err)
	}
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	c.ClientCAs, c.ClientAuth = pool, tls.VerifyClientCertIfGiven
	return c, nil
}

// authenticated are the suites of TLS 1.2 that encrypt and authenticate in one
// (AEAD), under keys that nobody can make afterwards. TLS 1.3 has no others.
var authenticated = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// certificateFiles keeps a certificate and its key until the certificate's file
// changes.
type certificateFiles struct {
	certificate, key string
	logger           *slog.Logger

	mu       sync.Mutex
	modified time.Time        // of the certificate's file when it was loaded; guarded by mu
	loaded   *tls.Certificate // guarded by mu
	failure  string           // the last that was logged; "" after a success. Guarded by mu
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.certificate)
	if err == nil && f.loaded != nil && info.ModTime().Equal(f.modified) {
		return f.loaded, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(f.certificate, f.key); err == nil {
			f.loaded, f.modified, f.failure = &pair, info.ModTime(), ""
			return f.loaded, nil
		}
	}
	if f.loaded == nil {
		return nil, err
	}
	// Half-written files: the next handshake tries again. Files that stay so are
	// found out when the old certificate ends, unless somebody is told.
	if err.Error() != f.failure {
		f.failure = err.Error()
		f.logger.Error("the TLS certificate cannot be loaded; the one of before stays", "ends", f.loaded.Leaf.NotAfter, "error", err)
	}
	return f.loaded, nil
}

// notify tells systemd how the service is (sd_notify(3)); nothing without it.
func notify(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if strings.HasPrefix(address, "@") {
		address = "\x00" + address[1:]
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state)) // nobody to tell
}

func parseOID(text string) (asn1.ObjectIdentifier, error) {
	var oid asn1.ObjectIdentifier
	for _, part := range strings.Split(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, usageErrorf("%q is not an object identifier", text)
		}
		oid = append(oid, n)
	}
	return oid, nil
}
