package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/signer"
)

// signFlags are the flags of "absah sign".
type signFlags struct {
	token    tokenFlags
	services serviceFlags
	key      string
	cert     string
	pss      bool
	level    string
	fallback bool
	detached bool
	field    string
	reason   string
	location string
	contact  string
	certify  int
	password string
	visible  visibleFlags
	json     bool
}

func newSignCommand() *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign [flags] IN.pdf OUT.pdf",
		Short: "Sign a PDF with a key in a PKCS#11 token",
		Long: `Sign appends a PAdES signature to IN.pdf and writes OUT.pdf, whole or not at all.
OUT begins with the bytes of IN. The signature is verified before anything is written.

Levels above B-B need --tsa; B-LT and B-LTA also need --trust, because they hold
the revocation data of a chain that ends at a trusted certificate. With --trust no
level is signed with a certificate that is revoked or leads to no trusted one.
With --detached IN may be any file and OUT is a CMS (CAdES) signature.`,
		Example: `  absah sign --module /usr/lib/softhsm/libsofthsm2.so --token absah-demo --pin-file pin \
    --key seal --cert seal.pem --level B-LTA --tsa http://tsa.example/ --trust trust.pem \
    --visible page=last,x=60,y=60,w=220,h=80 --qr https://example.id/d/1 IN.pdf OUT.pdf`,
		Args: exactArgs("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args[0], args[1])
		},
	}
	f.register(cmd)
	return cmd
}

func (f *signFlags) register(cmd *cobra.Command) {
	f.services.register(cmd)
	f.visible.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.key, "key", "", "label of the signing key in the token")
	flags.StringVar(&f.cert, "cert", "", "PEM `file`: the key's certificate, then its issuers")
	flags.BoolVar(&f.pss, "pss", false, "use RSASSA-PSS instead of PKCS#1 v1.5")
	flags.StringVar(&f.level, "level", "B-B", "B-B, B-T, B-LT or B-LTA")
	flags.BoolVar(&f.fallback, "fallback", false, "when a service is down return the highest level reached, and say so")
	flags.BoolVar(&f.detached, "detached", false, "write a detached CMS signature over any file")
	flags.StringVar(&f.field, "field", "", "name of the signature field; an empty one is filled (default: a new field)")
	flags.StringVar(&f.reason, "reason", "", "reason shown by readers")
	flags.StringVar(&f.location, "location", "", "place shown by readers")
	flags.StringVar(&f.contact, "contact", "", "contact shown by readers")
	flags.IntVar(&f.certify, "certify", 0, "certify with DocMDP `P`: 1 nothing, 2 forms and signatures, 3 annotations too")
	flags.StringVar(&f.password, "password-file", "", "`file` with the password of an encrypted document")
	flags.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	f.token.registerRequired(cmd, "key", "cert")
}

func (f *signFlags) run(cmd *cobra.Command, in, out string) error {
	req, err := f.request(time.Now(), cmd.Flags().Changed("certify"))
	if err != nil {
		return err
	}
	s, end, err := f.services.signer(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer end()
	chain, err := readCertificates(f.cert)
	if err != nil {
		return ofFlag("cert", err)
	}
	if _, isRSA := chain[0].PublicKey.(*rsa.PublicKey); f.pss && !isRSA {
		return usageErrorf("--pss is for RSA keys, and the certificate in %s has another", f.cert)
	}
	if len(f.services.trust) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "absah: warning: no --trust: path and revocation of the signer's certificate are not checked")
	}
	var strangers []*x509.Certificate
	req.Certificate = chain[0]
	req.Chain, strangers = issuersOf(chain[0], withoutRoots(chain[1:]))
	for _, c := range strangers {
		fmt.Fprintf(cmd.ErrOrStderr(), "absah: warning: %s: the certificate of %q issued none of the others and is left out\n", printable(f.cert), c.Subject.CommonName)
	}
	if req.Visible != nil && req.Visible.Name == "" {
		req.Visible.Name = chain[0].Subject.CommonName
	}
	work := f.signPDF
	if f.detached {
		work = f.signDetached
	}
	password, err := readSecret(f.password)
	if err != nil {
		return ofFlag("password-file", err)
	}
	r, err := beginRewriting(in, out)
	if err != nil {
		return err
	}
	defer r.close()
	var result *signer.Result
	err = f.token.withModule(cmd, func(m *hsm.Module) error {
		key, err := m.Key(cmd.Context(), f.key)
		if err != nil {
			return labelOf("key", err)
		}
		req.Key = key.WithContext(cmd.Context())
		result, err = work(cmd, s, req, r, password)
		return err
	})
	if err != nil {
		return err
	}
	return f.report(cmd, req, result, out)
}

func (f *signFlags) signPDF(cmd *cobra.Command, s *signer.Signer, req signer.Request, r *rewriting, password []byte) (*signer.Result, error) {
	return r.finish(cmd, func(input signer.Input) (*signer.Result, error) {
		input.Password = password
		return s.Sign(cmd.Context(), input, req)
	})
}

// request builds the signing request from the flags; key and certificate
// follow once the cheap mistakes are ruled out. certify says that --certify was
// given.
func (f *signFlags) request(now time.Time, certify bool) (signer.Request, error) {
	level, err := parseLevel(f.level)
	if err != nil {
		return signer.Request{}, err
	}
	if err := f.services.require(level); err != nil {
		return signer.Request{}, err
	}
	visible, err := f.visible.build()
	if err != nil {
		return signer.Request{}, err
	}
	if certify && (f.certify < 1 || f.certify > 3) {
		return signer.Request{}, usageErrorf("--certify takes 1, 2 or 3, got %d", f.certify)
	}
	if f.detached {
		if visible != nil || f.certify != 0 || f.field+f.reason+f.location+f.contact+f.password != "" {
			return signer.Request{}, usageErrorf("--detached takes no --visible, --certify, --field, --reason, --location, --contact or --password-file: they are for PDF")
		}
		if level > signer.T {
			return signer.Request{}, usageErrorf("--detached makes B-B and B-T, not %s", level)
		}
	}
	req := signer.Request{
		PSS: f.pss, Level: level, Fallback: f.fallback, At: now,
		Field: f.field, Reason: f.reason, Location: f.location, ContactInfo: f.contact,
		Certify: f.certify, Visible: visible,
	}
	if refused, ok := errors.AsType[*signer.RefusedError](req.CheckTexts()); ok {
		return req, usageErrorf("%s", refused.Reason)
	}
	return req, nil
}

// report says what was made. Result.Field is empty for a detached signature.
// In JSON "shortfall" is there when --fallback had to accept less than was
// asked for: a lower level, or a certificate whose status is not known, and
// "warnings" when something speaks against what was made.
func (f *signFlags) report(cmd *cobra.Command, req signer.Request, r *signer.Result, out string) error {
	w := cmd.OutOrStdout()
	for _, warning := range r.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "absah: warning: %s\n", warning)
	}
	if f.json {
		object := map[string]any{
			"schema": "absah/signed/1", "file": out, "field": r.Field, "level": r.Level.String(),
			"requestedLevel": req.Level.String(), "signer": req.Certificate.Subject.CommonName,
		}
		if r.Shortfall != nil {
			object["shortfall"] = strings.Join(shortfallLines(r.Shortfall), "\n")
		}
		if r.Warnings != nil {
			object["warnings"] = r.Warnings
		}
		return json.NewEncoder(w).Encode(object)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: signed ", out)
	if r.Field != "" {
		fmt.Fprintf(&b, "as %s ", printable(r.Field))
	}
	fmt.Fprintf(&b, "by %s, %s\n", printable(req.Certificate.Subject.CommonName), r.Level)
	switch {
	case r.Level < req.Level:
		fmt.Fprintf(&b, "  %s was asked for:\n", req.Level)
		writeShortfall(&b, r.Shortfall)
		if r.Field != "" {
			fmt.Fprintf(&b, "  raise it later with: absah augment --level %s\n", req.Level)
		}
	case r.Shortfall != nil:
		fmt.Fprintf(&b, "  whether the certificate is revoked is not known:\n")
		writeShortfall(&b, r.Shortfall)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable replaces control characters: names come from documents and
// certificates, and a terminal obeys some of what it is shown.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func (f *signFlags) signDetached(cmd *cobra.Command, s *signer.Signer, req signer.Request, r *rewriting, _ []byte) (*signer.Result, error) {
	result, err := s.SignDetached(cmd.Context(), r.in, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", printable(r.in.Name()), err)
	}
	if err := r.out.append(result.CMS); err != nil {
		return nil, err
	}
	return result, r.out.commit()
}

func parseLevel(s string) (signer.Level, error) {
	level, err := signer.ParseLevel(s)
	if err != nil {
		return 0, usageErrorf("--level: unknown level %q: use B-B, B-T, B-LT or B-LTA", s)
	}
	return level, nil
}

// issuersOf splits a bundle into the certificates above leaf, cross-certificates
// too, and those that have nothing to do with it. The signature of one whose
// algorithm is not known here is taken for good: whoever builds the path judges
// it.
func issuersOf(leaf *x509.Certificate, bundle []*x509.Certificate) (path, strangers []*x509.Certificate) {
	issued := func(c, by *x509.Certificate) bool {
		if !bytes.Equal(c.RawIssuer, by.RawSubject) {
			return false
		}
		err := c.CheckSignatureFrom(by)
		_, old := errors.AsType[x509.InsecureAlgorithmError](err)
		return err == nil || old || errors.Is(err, x509.ErrUnsupportedAlgorithm)
	}
	path = []*x509.Certificate{leaf}
	strangers = slices.DeleteFunc(slices.Clone(bundle), leaf.Equal)
	for i := 0; i < len(path); i++ {
		strangers = slices.DeleteFunc(strangers, func(by *x509.Certificate) bool {
			if !issued(path[i], by) {
				return false
			}
			path = append(path, by)
			return true
		})
	}
	return path[1:], strangers
}

// withoutRoots drops self-issued certificates: whoever checks the signature
// must have them already.
func withoutRoots(chain []*x509.Certificate) []*x509.Certificate {
	return slices.DeleteFunc(chain, func(c *x509.Certificate) bool {
		return bytes.Equal(c.RawSubject, c.RawIssuer)
	})
}
