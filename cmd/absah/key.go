package main

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/hsm"
)

func newKeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, list and delete keys in a PKCS#11 token, and request certificates for them",
		Args: func(cmd *cobra.Command, args []string) error {
			return usageErrorf("use one of: absah key generate|list|csr|delete")
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(newKeyGenerate(), newKeyList(), newKeyCSR(), newKeyDelete())
	return cmd
}

// withModule starts the token's module for one command.
func (t *tokenFlags) withModule(cmd *cobra.Command, work func(*hsm.Module) error) (err error) {
	m, err := t.start(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return work(m)
}

// registerRequired adds the flags every key command needs.
func (t *tokenFlags) registerRequired(cmd *cobra.Command, more ...string) {
	t.register(cmd)
	for _, name := range append([]string{"module", "token", "pin-file"}, more...) {
		cmd.MarkFlagRequired(name)
	}
}

func newKeyGenerate() *cobra.Command {
	var (
		token            tokenFlags
		label, algorithm string
	)
	cmd := &cobra.Command{
		Use: "generate [flags]", Short: "Make a key pair in the token; the private key can never leave it",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			alg, err := hsm.ParseAlgorithm(algorithm)
			if err != nil {
				return usageErrorf("%v", err)
			}
			if label == "" {
				return usageErrorf("--label is empty")
			}
			return token.withModule(cmd, func(m *hsm.Module) error {
				key, err := m.Generate(cmd.Context(), hsm.KeySpec{Label: label, Algorithm: alg})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "made %s key %q\n", key.Info().Algorithm, label)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "label of the new key, unique in the token")
	cmd.Flags().StringVar(&algorithm, "algorithm", "RSA-3072", "RSA-2048, RSA-3072, RSA-4096, P-256, P-384, P-521 or Ed25519")
	token.registerRequired(cmd, "label")
	return cmd
}

func newKeyList() *cobra.Command {
	var (
		token  tokenFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use: "list [flags]", Short: "List the keys of the token", Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return token.withModule(cmd, func(m *hsm.Module) error {
				keys, err := m.Keys(cmd.Context())
				if err != nil {
					return err
				}
				return printKeys(cmd.OutOrStdout(), keys, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per key")
	token.registerRequired(cmd)
	return cmd
}

func printKeys(w io.Writer, keys []hsm.KeyInfo, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		for _, k := range keys {
			if err := enc.Encode(map[string]any{
				"label": k.Label, "id": hex.EncodeToString(k.ID), "algorithm": k.Algorithm.String(),
			}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(keys) == 0 {
		_, err := fmt.Fprintln(w, "the token holds no keys")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "LABEL\tALGORITHM\tID")
	for _, k := range keys {
		fmt.Fprintf(t, "%s\t%s\t%x\n", k.Label, k.Algorithm, k.ID)
	}
	return t.Flush()
}

func newKeyCSR() *cobra.Command {
	var (
		token               tokenFlags
		label, subject, out string
	)
	cmd := &cobra.Command{
		Use: "csr [flags]", Short: "Write a PKCS#10 certificate request for a key",
		Example: `  absah key csr … --label seal --subject "CN=Pemerintah Kabupaten Contoh,O=Kabupaten Contoh,C=ID" --out seal.csr`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, err := parseSubject(subject)
			if err != nil {
				return err
			}
			return token.withModule(cmd, func(m *hsm.Module) error {
				key, err := m.Key(cmd.Context(), label)
				if err != nil {
					return err
				}
				der, err := certificateRequest(key.WithContext(cmd.Context()), name)
				if err != nil {
					return err
				}
				b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
				if out == "" {
					_, err = cmd.OutOrStdout().Write(b)
					return err
				}
				return writeFile(out, b, 0o666)
			})
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "label of the key")
	cmd.Flags().StringVar(&subject, "subject", "", "distinguished name: CN=…,O=…,OU=…,L=…,ST=…,C=…; a comma in a value is written \\,")
	cmd.Flags().StringVar(&out, "out", "", "PEM `file` to write (default: standard output)")
	token.registerRequired(cmd, "label", "subject")
	return cmd
}

// certificateRequest makes a DER PKCS#10 request (RFC 2986) that is signed
// with the key itself.
func certificateRequest(key crypto.Signer, name pkix.RDNSequence) ([]byte, error) {
	subject, err := asn1.Marshal(name)
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: subject}, key)
}

func newKeyDelete() *cobra.Command {
	var (
		token tokenFlags
		label string
		yes   bool
	)
	cmd := &cobra.Command{
		Use: "delete [flags]", Short: "Destroy a key pair of the token for ever", Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return usageErrorf("key %q would be destroyed for ever; add --yes to do it", label)
			}
			return token.withModule(cmd, func(m *hsm.Module) error {
				if err := m.Delete(cmd.Context(), label); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "destroyed key %q\n", label)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "label of the key")
	cmd.Flags().BoolVar(&yes, "yes", false, "really destroy it")
	token.registerRequired(cmd, "label")
	return cmd
}

// subjectTypes are the attribute types of RFC 4514 §3 that a request may name.
var subjectTypes = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11},
	"L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8}, "C": {2, 5, 4, 6},
}

// parseSubject reads a distinguished name in the order of RFC 4514, most
// specific first, and returns it in the order of X.501.
func parseSubject(s string) (pkix.RDNSequence, error) {
	var name pkix.RDNSequence
	for _, part := range splitUnescaped(s, ',') {
		key, value, found := strings.Cut(part, "=")
		oid, known := subjectTypes[strings.ToUpper(strings.TrimSpace(key))]
		value = strings.TrimSpace(strings.ReplaceAll(value, `\,`, ","))
		if !found || !known || value == "" {
			return nil, usageErrorf("--subject: %q is not CN=…, O=…, OU=…, L=…, ST=… or C=…", part)
		}
		name = append(pkix.RDNSequence{{{Type: oid, Value: value}}}, name...)
	}
	return name, nil
}

// splitUnescaped splits at each sep that no backslash stands before.
func splitUnescaped(s string, sep byte) []string {
	var parts []string
	start := 0
	for i := range len(s) {
		if s[i] == sep && (i == 0 || s[i-1] != '\\') {
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
