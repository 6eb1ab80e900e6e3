package main

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki/lab"
)

// demoSigner is an entry of signers.json. Paths are relative to the folder.
type demoSigner struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Passphrase  string `json:"passphraseFile"`
	Certificate string `json:"certificate"`
	SealedKey   string `json:"sealedKey"`
}

var demoSigners = []demoSigner{
	{ID: "bupati", Name: "Bupati Contoh"},
	{ID: "sekda", Name: "Sekretaris Daerah Kabupaten Contoh"},
}

// makeSigners makes the personal keys of two officials. Each is generated in
// the module and kept outside it, sealed under its owner's passphrase.
func (d *demo) makeSigners(ctx context.Context) (string, error) {
	if err := os.MkdirAll(d.path("signers"), 0o700); err != nil {
		return "", &outputError{err}
	}
	vault, err := d.module.Vault(ctx, hsm.VaultConfig{Create: true})
	if err != nil {
		return "", err
	}
	said := "found"
	var all []demoSigner
	for _, s := range demoSigners {
		s.Passphrase, s.Certificate, s.SealedKey = "signers/"+s.ID+".passphrase", "signers/"+s.ID+".pem", "signers/"+s.ID+".key"
		made, err := d.makeSigner(ctx, vault, s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.ID, err)
		}
		if made {
			said = "made"
		}
		all = append(all, s)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return "", err
	}
	if err := writeFile(d.path("signers.json"), append(b, '\n'), 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d personal keys, each sealed under its owner's passphrase", said, len(all)), nil
}

// makeSigner makes what a signer lacks and checks that the passphrase opens
// the key and that the certificate is the key's.
func (d *demo) makeSigner(ctx context.Context, vault *hsm.Vault, s demoSigner) (made bool, err error) {
	if err := d.makeSecret(s.Passphrase); err != nil {
		return false, err
	}
	passphrase, err := readSecret(d.path(s.Passphrase))
	if err != nil {
		return false, err
	}
	sealed, err := os.ReadFile(d.path(s.SealedKey))
	if errors.Is(err, os.ErrNotExist) {
		var w *hsm.WrappedKey
		if w, err = vault.GenerateWrapped(ctx, s.ID, hsm.RSA2048, passphrase); err != nil {
			return false, err
		}
		sealed = w.Sealed
		err = writeFile(d.path(s.SealedKey), sealed, 0o600)
	}
	if err != nil {
		return false, err
	}
	key, err := vault.Activate(ctx, s.ID, sealed, passphrase)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, key.Close()) }()
	if chain, err := readCertificates(d.path(s.Certificate)); err == nil && d.usable(chain[0], key) {
		return false, nil
	}
	return true, d.certify(key, s.Name, s.Certificate)
}

// certify has the demo's PKI certify a key and writes the chain to a file.
func (d *demo) certify(key *hsm.Key, commonName, file string) error {
	csr, err := certificateRequest(key, pkix.Name{
		CommonName: commonName, Organization: []string{"Kabupaten Contoh"}, Country: []string{"ID"},
	}.ToRDNSequence())
	if err != nil {
		return err
	}
	cert, chain, err := d.pki.IssueCSR(csr, lab.IssueOptions{})
	if err != nil {
		return err
	}
	return writeFile(d.path(file), lab.ChainPEM(append([]*x509.Certificate{cert}, chain...)...), 0o644)
}
