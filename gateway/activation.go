package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/signer"
)

// maxActivation bounds how many documents one activation may name: what a
// person can have looked at.
const maxActivation = 1000

// tokenSize is the length of an activation token: 256 random bits.
const tokenSize = 32

// ActivationRequest is a signer's authorisation of named documents.
type ActivationRequest struct {
	Signer     string
	Passphrase []byte
	Documents  [][32]byte // SHA-256 of each, at most 1,000
	Level      signer.Level
	// Appearance is the request to be made for each document, as far as it is
	// the same for all: Fallback, Field, Reason, Location, Certify, Visible,
	// OwnQR and PSS. What it says, shows and forbids is authorised with the
	// documents, and nothing else.
	Appearance SignRequest
	Lifetime   time.Duration // at most Config.Lifetime; zero means that
}

// Activated is an activation. The token is nowhere else.
type Activated struct {
	ID        string
	Token     string
	ExpiresAt time.Time
	Operation string
	Receipt   []byte
}

// Activate tries the passphrase once and lets the application sign the named
// documents with the token that it returns, each once, until it expires.
func (g *Gateway) Activate(ctx context.Context, c Caller, req ActivationRequest) (*Activated, error) {
	switch {
	case len(req.Passphrase) == 0:
		return nil, errorf(CodeInvalid, "A passphrase is needed.")
	case len(req.Documents) == 0 || len(req.Documents) > maxActivation:
		return nil, errorf(CodeInvalid, "An activation names 1 to %d documents.", maxActivation)
	case req.Lifetime < 0 || req.Lifetime > g.cfg.Lifetime:
		return nil, errorf(CodeInvalid, "An activation lasts at most %v.", g.cfg.Lifetime)
	}
	setDefault(&req.Lifetime, g.cfg.Lifetime)
	if err := g.allowSigning(ctx, c, Upload{}, SignRequest{Signer: req.Signer, Level: req.Level, Fallback: req.Appearance.Fallback}, "activation"); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	who, err := g.findSigner(ctx, c, req.Signer, SignerPersonal, at)
	if err != nil {
		return nil, err
	}
	appearance, err := req.Appearance.appearance()
	if err != nil {
		return nil, err
	}
	a := newActivation(c, who, req, appearance, at)
	op, err := g.begin(ctx, c, beginning{record: evidence.Record{
		Kind:   "activation",
		Signer: evidence.Signer{ID: who.signer.ID, Key: hex.EncodeToString(who.key.ID[:])},
		Detail: map[string]string{
			"activation": a.ID, "asked": a.Level, "documents": strconv.Itoa(len(a.Documents)),
			"binding": hex.EncodeToString(a.Binding), "appearance": hex.EncodeToString(appearance[:]),
			"expires": a.ExpiresAt.Format(time.RFC3339),
		},
	}})
	if err != nil {
		return nil, err
	}
	token := make([]byte, tokenSize)
	rand.Read(token)
	err = g.tryPassphrase(ctx, c, who.signer.ID, func(ctx context.Context) (err error) {
		a.Sealed, err = g.cfg.Keys.Authorize(ctx, who.signer.ID, who.key.Sealed, req.Passphrase, token, a.Binding)
		return err
	})
	if err == nil {
		a.TokenHash = sha256.Sum256(token)
		err = g.update(ctx, Scope(a.Organisation), func(tx Tx) error { return tx.AddActivation(ctx, a) })
	}
	if err != nil {
		return nil, op.fail(ctx, err)
	}
	done, err := op.release(ctx, outcome{artefacts: []evidence.Blob{{Organisation: a.Organisation, Kind: "authorisation", Data: a.list(appearance)}}})
	if err != nil {
		return nil, err
	}
	return &Activated{
		ID: a.ID, Token: base64.RawURLEncoding.EncodeToString(token), ExpiresAt: a.ExpiresAt,
		Operation: done.Operation, Receipt: done.Receipt,
	}, nil
}

func newActivation(c Caller, who *signing, req ActivationRequest, appearance [32]byte, at time.Time) Activation {
	a := Activation{
		ID: newID(), Organisation: c.Application.Organisation, Application: c.Application.ID,
		Signer: who.signer.ID, Key: who.key.ID, Level: req.Level.String(),
		CreatedAt: at, ExpiresAt: at.Add(req.Lifetime).Truncate(time.Second),
	}
	digests := slices.Clone(req.Documents)
	slices.SortFunc(digests, func(x, y [32]byte) int { return bytes.Compare(x[:], y[:]) })
	for _, d := range slices.Compact(digests) {
		a.Documents = append(a.Documents, ActivationDocument{SHA256: d})
	}
	sum := sha256.Sum256(a.list(appearance))
	a.Binding = sum[:]
	return a
}

// list is what the signer authorised, as bytes: the sealed key opens for
// nothing else, whatever the database says later.
func (a *Activation) list(appearance [32]byte) []byte {
	var b bytes.Buffer
	for _, s := range []string{"absah/activation/1", a.ID, a.Organisation, a.Application, a.Signer, a.Level} {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	b.Write(binary.BigEndian.AppendUint64(nil, uint64(a.ExpiresAt.Unix())))
	b.Write(appearance[:])
	for _, d := range a.Documents {
		b.Write(d.SHA256[:])
	}
	return b.Bytes()
}

// activationID finds the activation that a token stands for and holds the
// request against it. That it names the document, and is used once for it, is
// the transaction's that begins the operation.
func (g *Gateway) activationID(ctx context.Context, c Caller, who *signing, req SignRequest) (string, error) {
	a, _, err := g.findActivation(ctx, Scope(c.Application.Organisation), req.Activation)
	if err != nil {
		return "", err
	}
	if a.Application != c.Application.ID || a.Signer != who.signer.ID || a.Level != req.Level.String() {
		return "", fromStore(ErrActivation)
	}
	appearance, err := req.appearance()
	if err != nil {
		return "", err
	}
	// Said before the document is used up. That the key opens for nothing else
	// does not depend on it: see openActivated.
	if sum := sha256.Sum256(a.list(appearance)); !bytes.Equal(sum[:], a.Binding) {
		return "", fromStore(ErrActivation)
	}
	return a.ID, nil
}

// findActivation returns the activation and the token's bytes.
func (g *Gateway) findActivation(ctx context.Context, scope Scope, text string) (a Activation, token []byte, err error) {
	token, err = base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(token) != tokenSize {
		return a, nil, fromStore(ErrActivation)
	}
	err = g.cfg.Store.View(ctx, scope, func(r Reader) (err error) {
		a, err = r.Activation(ctx, sha256.Sum256(token))
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return a, nil, fromStore(ErrActivation)
	case err != nil:
		return a, nil, fromStore(err)
	}
	return a, token, nil
}

// openActivated opens the key that an activation holds.
func (g *Gateway) openActivated(ctx context.Context, who *signing, req SignRequest) (PersonalKey, error) {
	a, token, err := g.findActivation(ctx, Scope(who.signer.Organisation), req.Activation)
	if err != nil {
		return nil, err
	}
	appearance, err := req.appearance()
	if err != nil {
		return nil, err
	}
	// Not a.Binding: the rows themselves, and the request, must be what was
	// authorised.
	sum := sha256.Sum256(a.list(appearance))
	key, err := g.cfg.Keys.OpenAuthorized(ctx, who.signer.ID, a.Sealed, token, sum[:])
	if errors.Is(err, ErrPassphrase) {
		return nil, &Error{Code: CodeActivation, Text: "The activation does not open the key.", Err: err}
	}
	return key, err
}

// Deactivate ends an activation before its time.
func (g *Gateway) Deactivate(ctx context.Context, c Caller, token string) error {
	if err := g.allow(ctx, c, "activation.revoke", RoleApplication); err != nil {
		return err
	}
	a, _, err := g.findActivation(ctx, Scope(c.Application.Organisation), token)
	if err != nil {
		return err
	}
	if a.Application != c.Application.ID {
		return fromStore(ErrActivation)
	}
	return g.recordWith(ctx, c, evidence.Record{
		Kind: "activation.revoke", Signer: evidence.Signer{ID: a.Signer},
		Result: evidence.Result{Status: evidence.StatusOK}, Detail: map[string]string{"activation": a.ID},
	}, func(tx Tx) error { return tx.RevokeActivation(ctx, a.ID, g.cfg.Clock().UTC()) })
}
