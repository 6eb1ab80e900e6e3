package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
)

// AddApplication registers an application with its first credentials.
func (g *Gateway) AddApplication(ctx context.Context, c Caller, a Application, credentials ...Credential) error {
	if err := g.allow(ctx, c, "application.add", RoleOperator); err != nil {
		return err
	}
	if strings.TrimSpace(a.Name) == "" || len(a.Name) > 100 || !slices.Contains(applicationRoles, a.Role) {
		return errorf(CodeInvalid, "An application has a name of 1 to 100 bytes and a role.")
	}
	return g.recordWith(ctx, c, evidence.Record{
		Kind: "application.add", Result: evidence.Result{Status: evidence.StatusOK},
		Detail: a.detail(credentials),
	}, func(tx Tx) error {
		if err := tx.AddApplication(ctx, a); err != nil {
			return err
		}
		for _, credential := range credentials {
			if err := tx.AddCredential(ctx, credential); err != nil {
				return err
			}
		}
		return nil
	})
}

// NewApplication fills in what every new application has.
func NewApplication(organisation, name string, role Role, policy Policy, at time.Time) Application {
	return Application{ID: newID(), Organisation: organisation, Name: name, Role: role, Policy: policy, CreatedAt: at}
}

// ApplicationFile is an application with all its credentials, those that have
// ended too, without what they are verified with.
type ApplicationFile struct {
	Application
	Credentials []Credential
}

// Applications lists applications by identifier.
func (g *Gateway) Applications(ctx context.Context, c Caller, p Page) (all []ApplicationFile, err error) {
	if err := g.allow(ctx, c, "application.list", RoleOperator); err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		all = nil
		found, err := r.Applications(ctx, p)
		if err != nil {
			return err
		}
		for _, a := range found {
			f := ApplicationFile{Application: a}
			if f.Credentials, err = r.Credentials(ctx, a.ID); err != nil {
				return err
			}
			for i := range f.Credentials {
				f.Credentials[i].Hash = [32]byte{}
			}
			all = append(all, f)
		}
		return nil
	})
	return all, err
}

// ApplicationNamed returns an application of the caller's organisation, or an
// Error with CodeNotFound.
func (g *Gateway) ApplicationNamed(ctx context.Context, c Caller, name string) (a Application, err error) {
	if err := g.allow(ctx, c, "application.read", RoleOperator); err != nil {
		return a, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		a, err = r.ApplicationByName(ctx, name)
		return err
	})
	return a, err
}

// AddCredential gives an application one more credential: another key before the
// old one is revoked, or one of another kind.
func (g *Gateway) AddCredential(ctx context.Context, c Caller, credential Credential) error {
	if err := g.allow(ctx, c, "application.add-credential", RoleOperator); err != nil {
		return err
	}
	if err := credential.check(); err != nil {
		return err
	}
	return g.recordWith(ctx, c, evidence.Record{
		Kind: "application.add-credential", Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{
			"application": credential.Application, "proof": string(credential.Kind), DetailCredential + credential.ID: credential.Digest(),
		},
	}, func(tx Tx) error {
		if _, err := tx.Application(ctx, credential.Application); err != nil {
			return err
		}
		return tx.AddCredential(ctx, credential)
	})
}

// check refuses a user name that HTTP Basic cannot carry (RFC 7617 §2).
func (c Credential) check() error {
	if c.Kind == CredentialBasic && (c.Lookup == "" || len(c.Lookup) > maxUsername || strings.ContainsFunc(c.Lookup, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })) {
		return errorf(CodeInvalid, "A user name has 1 to %d characters: ASCII, without blanks and colons.", maxUsername)
	}
	return nil
}

// RevokeCredential ends a credential; within seconds it works on no node.
func (g *Gateway) RevokeCredential(ctx context.Context, c Caller, id string) error {
	if err := g.allow(ctx, c, "application.revoke-credential", RoleOperator); err != nil {
		return err
	}
	return g.recordWith(ctx, c, evidence.Record{
		Kind: "application.revoke-credential", Result: evidence.Result{Status: evidence.StatusOK}, Detail: map[string]string{"credential": id},
	}, func(tx Tx) error { return tx.RevokeCredential(ctx, id, g.cfg.Clock().UTC()) })
}

// NewKey makes an API key and the credential that knows it. The key is shown
// once and kept nowhere.
func NewKey(organisation, application string, at, expires time.Time) (key string, c Credential) {
	lookup, secret := randomText(10), randomText(32)
	return keyPrefix + lookup + "_" + secret, Credential{
		ID: newID(), Organisation: organisation, Application: application, Kind: CredentialKey,
		Lookup: lookup, Hash: sha256.Sum256([]byte(secret)), CreatedAt: at, ExpiresAt: expires,
	}
}

// NewPassword makes a password for HTTP Basic, in the same way. It is random:
// one that people choose could be guessed from its hash.
func NewPassword(organisation, application, username string, at, expires time.Time) (password string, c Credential) {
	password = randomText(32)
	return password, Credential{
		ID: newID(), Organisation: organisation, Application: application, Kind: CredentialBasic,
		Lookup: username, Hash: sha256.Sum256([]byte(password)), CreatedAt: at, ExpiresAt: expires,
	}
}

// NewCertificate makes the credential of whoever holds the key of a client
// certificate, under this certificate or a later one.
func NewCertificate(organisation, application string, cert *x509.Certificate, at, expires time.Time) Credential {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return Credential{
		ID: newID(), Organisation: organisation, Application: application, Kind: CredentialMTLS,
		Lookup: hex.EncodeToString(sum[:]), CreatedAt: at, ExpiresAt: expires,
	}
}

// randomText returns n random bytes in letters and digits that need no
// escaping anywhere; without the two of base64url that look like separators.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return strings.NewReplacer("-", "A", "_", "B").Replace(base64.RawURLEncoding.EncodeToString(b))
}
