package evidence

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

// ReceiptName returns the name under which receipts of a log are signed. It is
// not the log's own, so that a receipt key cannot sign a checkpoint.
func ReceiptName(origin string) string { return origin + "/receipt" }

// VerifierKey returns the C2SP verifier key (vkey) of an Ed25519 public key.
func VerifierKey(name string, pub ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(name, pub)
}

// noteKey signs notes with a key that may live in an HSM. It is a note.Signer.
type noteKey struct {
	signer   crypto.Signer
	verifier note.Verifier
	vkey     string
}

func newNoteKey(name string, signer crypto.Signer) (*noteKey, error) {
	pub, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("evidence: the key %s is not an Ed25519 key", name)
	}
	vkey, err := VerifierKey(name, pub)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return &noteKey{signer, verifier, vkey}, nil
}

func (k *noteKey) Name() string    { return k.verifier.Name() }
func (k *noteKey) KeyHash() uint32 { return k.verifier.KeyHash() }

// Sign signs msg and verifies the result: an HSM that errs must not put a
// checkpoint into the world that nobody accepts.
func (k *noteKey) Sign(msg []byte) ([]byte, error) {
	sig, err := crypto.SignMessage(k.signer, rand.Reader, msg, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("evidence: key %s: %w", k.Name(), err)
	}
	if !k.verifier.Verify(msg, sig) {
		return nil, fmt.Errorf("evidence: key %s returned a wrong signature", k.Name())
	}
	return sig, nil
}

// verifiers makes a note.Verifiers of vkeys.
func verifiers(vkeys []string) (note.Verifiers, error) {
	list := make([]note.Verifier, 0, len(vkeys))
	for _, vkey := range vkeys {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("evidence: verifier key %q: %w", vkey, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

// algCosignature is the type byte of Ed25519 witness keys (C2SP
// tlog-cosignature).
const algCosignature = 4

// cosigner verifies cosignature/v1 signatures of a witness. It is a
// note.Verifier.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// newCosigner reads a witness's vkey: a name, a hash and 0x04 before the key.
func newCosigner(vkey string) (*cosigner, error) {
	bad := fmt.Errorf("evidence: %q is not the vkey of an Ed25519 witness", vkey)
	name, rest, ok := strings.Cut(vkey, "+")
	hash, data, ok2 := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(data)
	if !ok || !ok2 || err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature || !isKeyName(name) {
		return nil, bad
	}
	c := &cosigner{name: name, hash: keyHash(name, raw), key: ed25519.PublicKey(raw[1:])}
	if fmt.Sprintf("%08x", c.hash) != hash {
		return nil, bad
	}
	return c, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Verify accepts timestamp || signature over the note's text, under the header
// that tlog-cosignature puts before it.
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	if at > 1<<63-1 {
		return false
	}
	return ed25519.Verify(c.key, cosignedMessage(at, msg), sig[8:])
}

// cosignedMessage is what a witness signs (C2SP tlog-cosignature, "Ed25519
// signed message").
func cosignedMessage(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// keyHash is the key id of C2SP signed-note: algorithm byte and key are in raw.
func keyHash(name string, raw []byte) uint32 {
	sum := sha256Of([]byte(name+"\n"), raw)
	return binary.BigEndian.Uint32(sum[:])
}

// isKeyName is C2SP signed-note's rule for names.
func isKeyName(name string) bool {
	return name != "" && !strings.Contains(name, "+") && strings.ToValidUTF8(name, "") == name &&
		strings.IndexFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r < 0x20 }) < 0
}

// signNote signs text with one key; text must be lines.
func signNote(text string, k *noteKey) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, k)
}

// openNote verifies msg with at least one of the keys and returns its text.
func openNote(msg []byte, vkeys []string) (*note.Note, error) {
	if len(msg) > maxNote {
		return nil, fmt.Errorf("evidence: a note of %d bytes, at most %d", len(msg), maxNote)
	}
	known, err := verifiers(vkeys)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(msg, known)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	for _, sig := range n.Sigs { // one note has one spelling
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return nil, fmt.Errorf("evidence: signature by %s: %w", sig.Name, err)
		}
	}
	return n, nil
}

// maxNote bounds a note in bytes: a checkpoint with a hundred cosignatures fits.
const maxNote = 64 << 10

// headerKey is the first line of a key statement. No checkpoint and no receipt
// begins like that.
const headerKey = "absah/log-key/1"

// errKeyStatement refuses a note that is signed and says something else.
var errKeyStatement = errors.New("evidence: not a statement about a log key")

// KeyStatement returns a signed note in which the old key of a log names its
// successor. It goes into the log as an event (see [Log.RollOver]) and into
// bundles, so that who trusts the old key can accept the new one.
func KeyStatement(origin string, old crypto.Signer, newVKey string) ([]byte, error) {
	k, err := newNoteKey(origin, old)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(newVKey)
	if err != nil || v.Name() != origin {
		return nil, fmt.Errorf("evidence: %q is not a key of the log %s", newVKey, origin)
	}
	return signNote(headerKey+"\n"+origin+"\n"+newVKey+"\n", k)
}

// VerifyKeyStatement returns the successor that a key statement names, when one
// of the log's given keys has signed it.
func VerifyKeyStatement(msg []byte, origin string, vkeys []string) (newVKey string, err error) {
	n, err := openNote(msg, vkeys)
	if err != nil {
		return "", err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != headerKey || lines[1] != origin || n.Sigs[0].Name != origin {
		return "", errKeyStatement
	}
	if v, err := note.NewVerifier(lines[2]); err != nil || v.Name() != origin {
		return "", errKeyStatement
	}
	return lines[2], nil
}
