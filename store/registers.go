package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
)

// kindRegister is the event by which a document is registered.
const kindRegister = "document.register"

// registers is what the records, read in their order, say that the tables of
// applications, credentials, staff, signers and documents hold now.
type registers struct {
	status  map[string]documentState
	erased  map[[32]byte]bool
	apps    map[string]*recordedApplication
	revoked map[string]bool // credentials
	people  map[string]recordedStaff
	signing map[string]gateway.SignerStatus
	seals   map[string]bool         // signers that need no passphrase
	owners  map[string]string       // key to signer, certificate to key; in hexadecimal
	locks   map[[2]string]time.Time // signer and application, since when
}

type documentState struct{ to, replacedBy, reason string }

type recordedApplication struct {
	name, role, mtls, policy string // policy is a digest
	credentials              map[string]string
	listed                   bool // policy, mtls and credentials are on record
}

type recordedStaff struct {
	username, role string
	locked         bool
}

func newRegisters() registers {
	return registers{
		map[string]documentState{}, map[[32]byte]bool{}, map[string]*recordedApplication{}, map[string]bool{}, map[string]recordedStaff{},
		map[string]gateway.SignerStatus{}, map[string]bool{}, map[string]string{}, map[[2]string]time.Time{},
	}
}

// apply takes note of a record.
func (g *registers) apply(r *evidence.Record) {
	switch r.Kind {
	case "signer.lockout":
		g.locks[[2]string{r.Signer.ID, r.Actor.Application}] = r.Time
		return
	case kindErase:
		for _, a := range r.Artefacts {
			g.erased[sumOf(a.SHA256)] = true
		}
	}
	if r.Phase != evidence.PhaseEvent || r.Result.Status != evidence.StatusOK {
		return
	}
	switch r.Kind {
	case "document.status":
		g.status[r.Subject.Document] = documentState{r.Detail["to"], r.Detail["replaced-by"], r.Detail["reason"]}
	case "application.add":
		g.addApplication(r)
	case "application.add-credential":
		if a := g.apps[r.Detail["application"]]; a != nil {
			a.addCredentials(r)
		}
	case "application.revoke-credential":
		g.revoked[r.Detail["credential"]] = true
	case "proposal.approve":
		g.change(r)
	case "staff.add", "staff.lock", "staff.unlock", "staff.reset", "staff.reenrol":
		g.people[r.Detail["staff"]] = recordedStaff{r.Detail["username"], r.Detail["role-of-staff"], r.Kind == "staff.lock"}
	case "signer.renew", "signer.certificate":
		g.owns(r.Signer)
	case "signer.enrol", "signer.seal":
		g.owns(r.Signer)
		g.seals[r.Signer.ID] = r.Kind == "signer.seal"
		if _, ok := g.signing[r.Signer.ID]; !ok {
			g.signing[r.Signer.ID] = gateway.SignerActive
		}
	case "signer.lock":
		g.signing[r.Signer.ID] = gateway.SignerLocked
	case "signer.revoke":
		g.signing[r.Signer.ID] = gateway.SignerRevoked
	case "signer.unlock":
		g.signing[r.Signer.ID] = gateway.SignerActive
		for of := range g.locks {
			if of[0] == r.Signer.ID {
				delete(g.locks, of)
			}
		}
	}
}

func (g *registers) addApplication(r *evidence.Record) {
	a := &recordedApplication{
		name: r.Detail["name"], role: r.Detail["role"], mtls: r.Detail["mtls"], policy: r.Detail["policy-sha256"],
		credentials: map[string]string{}, listed: r.Detail["policy-sha256"] != "",
	}
	a.addCredentials(r)
	g.apps[r.Detail["application"]] = a
}

// addCredentials takes note of the credentials that a record names.
func (a *recordedApplication) addCredentials(r *evidence.Record) {
	for name, digest := range r.Detail {
		if id, ok := strings.CutPrefix(name, gateway.DetailCredential); ok {
			a.credentials[id] = digest
		}
	}
}

// change takes note of a role or a policy that a second person approved.
func (g *registers) change(r *evidence.Record) {
	var c gateway.ApplicationChange
	if kind := r.Detail["change"]; kind != gateway.ProposeRole && kind != gateway.ProposePolicy || json.Unmarshal([]byte(r.Detail["payload"]), &c) != nil {
		return
	}
	a := g.apps[c.Application]
	if a == nil {
		return
	}
	if r.Detail["change"] == gateway.ProposeRole {
		a.role = string(c.Role)
	} else {
		a.policy = c.Policy.Digest()
	}
}

// applications compares the table with the records.
func (g *registers) applications(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a ORDER BY a.id`)
	if err != nil {
		return nil, err
	}
	for _, a := range rows {
		said := g.apps[a.ID]
		switch {
		case said == nil:
			return evidence.Differs(evidence.RuleTable, "no record says that the application %.64q was added", a.ID), nil
		case a.Name != said.name || string(a.Role) != said.role:
			return evidence.Differs(evidence.RuleTable, "the application %s is %.64q with the role %q in its row, and %q with the role %q by the records",
				a.ID, a.Name, a.Role, said.name, said.role), nil
		case said.listed && (a.Policy.Digest() != said.policy || strconv.FormatBool(a.RequireMTLS) != said.mtls):
			return evidence.Differs(evidence.RuleTable, "the application %s has another policy in its row than by the records", a.ID), nil
		}
	}
	return nil, nil
}

// credentials compares the table with the records.
func (g *registers) credentials(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, func(r row) (c gateway.Credential, err error) {
		err = r.Scan(credentialFields(&c)...)
		return c, err
	}, `SELECT `+credentialColumns+` FROM credentials c ORDER BY c.id`)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		a := g.apps[c.Application]
		switch {
		case a == nil || a.listed && a.credentials[c.ID] == "":
			return evidence.Differs(evidence.RuleTable, "no record says that the credential %.64q was given to the application %.64q", c.ID, c.Application), nil
		case a.listed && a.credentials[c.ID] != c.Digest():
			return evidence.Differs(evidence.RuleTable, "the credential %s is not the one that was given", c.ID), nil
		case g.revoked[c.ID] == c.RevokedAt.IsZero():
			return evidence.Differs(evidence.RuleTable, "the records and the row of the credential %s do not agree on whether it is revoked", c.ID), nil
		}
	}
	return nil, nil
}

// staff compares the table with the records.
func (g *registers) staff(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanStaff, `SELECT `+staffColumns+` FROM staff s ORDER BY s.id`)
	if err != nil {
		return nil, err
	}
	for _, s := range rows {
		said, ok := g.people[s.ID]
		switch {
		case !ok:
			return evidence.Differs(evidence.RuleTable, "no record says that the member of staff %.64q was added", s.ID), nil
		case s.Username != said.username || string(s.Role) != said.role || (s.Status == gateway.StaffLocked) != said.locked:
			return evidence.Differs(evidence.RuleTable, "the member of staff %s has another name, role or status in the row than by the records", s.ID), nil
		}
	}
	return nil, nil
}

// owns takes note of whose a key is, and which key a certificate is of.
func (g *registers) owns(s evidence.Signer) {
	g.owners[s.Key] = s.ID
	if s.CertificateSHA256 != "" {
		g.owners[s.CertificateSHA256] = s.Key
	}
}

// signers compares the table with the records.
func (g *registers) signers(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanTexts(3), `SELECT id, status, kind FROM signers ORDER BY id`)
	if err != nil {
		return nil, err
	}
	for _, s := range rows {
		id, status, seal := s[0], s[1], s[2] == string(gateway.SignerSeal)
		if said, ok := g.signing[id]; !ok || status != string(said) || seal != g.seals[id] {
			return evidence.Differs(evidence.RuleTable, "the signer %.64q is %q (%.16s) in the row, and %q by the records, or of another kind", id, status, s[2], said), nil
		}
	}
	return g.signerKeys(ctx, tx)
}

// signerKeys compares the owners of keys and certificates with the records: a
// signer that were given a seal's key would sign without a passphrase.
func (g *registers) signerKeys(ctx context.Context, tx *Tx) (found, err error) {
	for _, t := range []struct{ what, query string }{
		{"key", `SELECT id, signer FROM signer_keys ORDER BY id`}, {"certificate", `SELECT sha256, signer_key FROM certificates ORDER BY sha256`},
	} {
		type owned struct{ id, owner string }
		rows, err := list(ctx, tx, func(r row) (o owned, err error) {
			var id, key [32]byte
			if t.what == "key" {
				err = r.Scan(sum{&id}, &o.owner)
			} else {
				err = r.Scan(sum{&id}, sum{&key})
				o.owner = hex.EncodeToString(key[:])
			}
			o.id = hex.EncodeToString(id[:])
			return o, err
		}, t.query)
		if err != nil {
			return nil, err
		}
		for _, o := range rows {
			if said, ok := g.owners[o.id]; !ok || said != o.owner {
				return evidence.Differs(evidence.RuleTable, "the %s %s is that of %.64q in its row, and of %.64q by the records", t.what, o.id, o.owner, said), nil
			}
		}
	}
	return nil, nil
}

// attempts looks for locks that are gone and were not lifted.
func (g *registers) attempts(ctx context.Context, tx *Tx) (found, err error) {
	type lock struct{ signer, application string }
	rows, err := list(ctx, tx, func(r row) (l lock, err error) {
		err = r.Scan(&l.signer, &l.application)
		return l, err
	}, `SELECT signer, application FROM attempts WHERE locked_at IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	there := map[[2]string]bool{}
	for _, l := range rows {
		there[[2]string{l.signer, l.application}] = true
	}
	for of, since := range g.locks {
		if !there[of] {
			return evidence.Differs(evidence.RuleTable, "the signer %s was locked for the application %s at %s, and no record says that the lock was lifted",
				of[0], of[1], since.Format(time.RFC3339)), nil
		}
	}
	return nil, nil
}
