package main

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

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

// labelOf says which flag gave a label that no key can have.
func labelOf(flag string, err error) error {
	if errors.Is(err, hsm.ErrLabel) {
		return usageErrorf("--%s: %v", flag, err)
	}
	return err
}

// registerRequired adds the flags that name a token and demands them, and more
// flags that cmd has already.
func (t *tokenFlags) registerRequired(cmd *cobra.Command, more ...string) {
	t.register(cmd)
	mustRequire(cmd, append([]string{"module", "token", "pin-file"}, more...)...)
}

// mustRequire demands flags of cmd.
func mustRequire(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not there yet would never be demanded
		}
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
				return usageErrorf("--algorithm: unknown %q: use RSA-2048, RSA-3072, RSA-4096, P-256, P-384, P-521 or Ed25519", algorithm)
			}
			return token.withModule(cmd, func(m *hsm.Module) error {
				key, err := m.Generate(cmd.Context(), hsm.KeySpec{Label: label, Algorithm: alg})
				if err != nil {
					return labelOf("label", err)
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
	listFlag(cmd, &asJSON, "key")
	token.registerRequired(cmd)
	return cmd
}

func printKeys(w io.Writer, keys []hsm.KeyInfo, asJSON bool) error {
	if len(keys) == 0 && !asJSON {
		_, err := fmt.Fprintln(w, "the token holds no keys")
		return err
	}
	l := newListing(w, asJSON, "LABEL", "ALGORITHM", "ID")
	for _, k := range keys {
		id := hex.EncodeToString(k.ID)
		l.row(k.Label, k.Algorithm, id)
		err := l.object(struct {
			Algorithm string `json:"algorithm"`
			ID        string `json:"id"`
			Label     string `json:"label"`
		}{k.Algorithm.String(), id, k.Label})
		if err != nil {
			return err
		}
	}
	return l.end()
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
					return labelOf("label", err)
				}
				der, err := key.CertificateRequest(cmd.Context(), name)
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
	cmd.Flags().StringVar(&subject, "subject", "", "distinguished name: CN=…,O=…,OU=…,L=…,ST=…,C=…; in a value write \\, for a comma and \\\\ for a backslash")
	cmd.Flags().StringVar(&out, "out", "", "PEM `file` to write (default: standard output)")
	token.registerRequired(cmd, "label", "subject")
	return cmd
}

// maxKeyID bounds what --id takes, in bytes; package hsm makes no longer ones.
const maxKeyID = 64

func newKeyDelete() *cobra.Command {
	var (
		token     tokenFlags
		label, id string
		yes       bool
	)
	cmd := &cobra.Command{
		Use: "delete [flags]", Short: "Destroy a key pair of the token for ever",
		Long: `Delete destroys the key pair named by --label. Where other programs made several
keys of one label, --id names one of them as absah key list shows it.`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := hex.DecodeString(id)
			switch {
			case (label == "") == (id == ""):
				return usageErrorf("name the key either with --label or with --id")
			case err != nil || len(raw) > maxKeyID:
				return usageErrorf("--id takes 1 to %d bytes in hexadecimal, as absah key list shows them", maxKeyID)
			case !yes:
				return usageErrorf("key %q would be destroyed for ever; add --yes to do it", label+id)
			}
			return token.withModule(cmd, func(m *hsm.Module) error {
				return deleteKey(cmd, m, label, raw)
			})
		},
	}
	cmd.Flags().StringVar(&label, "label", "", "label of the key")
	cmd.Flags().StringVar(&id, "id", "", "identifier of the key, in `hex`")
	cmd.Flags().BoolVar(&yes, "yes", false, "really destroy it")
	token.registerRequired(cmd)
	return cmd
}

// deleteKey destroys the key with the label, or with the identifier when there
// is no label.
func deleteKey(cmd *cobra.Command, m *hsm.Module, label string, id []byte) error {
	name, err := label, error(nil)
	if label != "" {
		err = m.Delete(cmd.Context(), label)
	} else {
		name, err = hex.EncodeToString(id), m.DeleteID(cmd.Context(), id)
	}
	if err != nil {
		return labelOf("label", err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "destroyed key %q\n", name)
	return err
}
