package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
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
	who     map[string]string       // signer to the digest of name, office and kind, where the record has it
	keys    map[string]string       // key, in hexadecimal, to signer
	certs   map[string]string       // certificate to key, both in hexadecimal
	ended   map[string]bool         // certificates that the gateway has stopped using
	locks   map[[2]string]time.Time // signer and application, since when
	asked   map[string]recordedProposal
	cases   map[string]recordedCase
}

// documentState is what somebody has said has become of a document.
type documentState struct {
	to, replacedBy, reason string
	at                     time.Time
}

type recordedApplication struct {
	name, role, mtls, policy string // policy is a digest
	credentials              map[string]string
	listed                   bool // policy, mtls and credentials are on record
}

// recordedProposal is a change that needs a second person.
type recordedProposal struct{ kind, payload, status string }

type recordedStaff struct {
	username, role string
	locked         bool
}

func newRegisters() registers {
	return registers{
		status: map[string]documentState{}, erased: map[[32]byte]bool{}, apps: map[string]*recordedApplication{}, revoked: map[string]bool{},
		people: map[string]recordedStaff{}, signing: map[string]gateway.SignerStatus{}, seals: map[string]bool{}, who: map[string]string{},
		keys: map[string]string{}, certs: map[string]string{}, ended: map[string]bool{}, locks: map[[2]string]time.Time{}, asked: map[string]recordedProposal{},
		cases: map[string]recordedCase{},
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
	g.caseAct(r)
	switch r.Kind {
	case "document.status":
		g.status[r.Subject.Document] = documentState{r.Detail["to"], r.Detail["replaced-by"], r.Detail["reason"], r.Time}
	case "application.add":
		g.addApplication(r)
	case "application.add-credential":
		if a := g.apps[r.Detail["application"]]; a != nil {
			a.addCredentials(r)
		}
	case "application.revoke-credential":
		g.revoked[r.Detail["credential"]] = true
	case "proposal.make":
		g.propose(r, gateway.ProposalPending)
	case "proposal.reject":
		g.propose(r, gateway.ProposalRejected)
	case "trust.first":
		g.propose(r, gateway.ProposalApproved)
	case "proposal.approve":
		g.propose(r, gateway.ProposalApproved)
		g.change(r)
	case "staff.add", "staff.lock", "staff.unlock", "staff.reset", "staff.reenrol":
		g.people[r.Detail["staff"]] = recordedStaff{r.Detail["username"], r.Detail["role-of-staff"], r.Kind == "staff.lock"}
	case "signer.renew", "signer.certificate":
		g.owns(r.Signer)
	case "signer.enrol", "signer.seal":
		g.owns(r.Signer)
		g.seals[r.Signer.ID] = r.Kind == "signer.seal"
		if said := r.Detail[gateway.DetailSigner]; said != "" {
			g.who[r.Signer.ID] = said
		}
		if _, ok := g.signing[r.Signer.ID]; !ok {
			g.signing[r.Signer.ID] = gateway.SignerActive
		}
	case "signer.lock":
		g.signing[r.Signer.ID] = gateway.SignerLocked
	case "signer.revoke":
		g.signing[r.Signer.ID] = gateway.SignerRevoked
		for cert, key := range g.certs {
			if g.keys[key] == r.Signer.ID {
				g.ended[cert] = true
			}
		}
	case "signer.unlock":
		g.signing[r.Signer.ID] = gateway.SignerActive
		for of := range g.locks {
			if of[0] == r.Signer.ID {
				delete(g.locks, of)
			}
		}
	}
}

// propose takes note of a proposal, or of what became of it.
func (g *registers) propose(r *evidence.Record, status gateway.ProposalStatus) {
	payload := r.Detail["payload"]
	if r.Detail["change"] == gateway.ProposeAnchors { // names are cut to a length there
		payload = r.Detail["anchors"]
	}
	g.asked[r.Detail["proposal"]] = recordedProposal{r.Detail["change"], payload, string(status)}
}

// absent returns the first of what is on record that no row was seen of; "" for
// none. Rows of these tables are never deleted by a gateway.
func absent[T any](recorded map[string]T, there map[string]bool) string {
	for _, id := range slices.Sorted(maps.Keys(recorded)) {
		if !there[id] {
			return id
		}
	}
	return ""
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
	there := map[string]bool{}
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
		there[a.ID] = true
	}
	if id := absent(g.apps, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the application %.64q is missing", id), nil
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
	there := map[string]bool{}
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
		there[c.ID] = true
	}
	for _, app := range slices.Sorted(maps.Keys(g.apps)) {
		if id := absent(g.apps[app].credentials, there); id != "" {
			return evidence.Differs(evidence.RuleTable, "the credential %.64q of the application %.64q is missing", id, app), nil
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
	there := map[string]bool{}
	for _, s := range rows {
		said, ok := g.people[s.ID]
		switch {
		case !ok:
			return evidence.Differs(evidence.RuleTable, "no record says that the member of staff %.64q was added", s.ID), nil
		case s.Username != said.username || string(s.Role) != said.role || (s.Status == gateway.StaffLocked) != said.locked:
			return evidence.Differs(evidence.RuleTable, "the member of staff %s has another name, role or status in the row than by the records", s.ID), nil
		}
		there[s.ID] = true
	}
	if id := absent(g.people, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the member of staff %.64q is missing", id), nil
	}
	return nil, nil
}

// owns takes note of whose a key is, and which key a certificate is of.
func (g *registers) owns(s evidence.Signer) {
	g.keys[s.Key] = s.ID
	if s.CertificateSHA256 != "" {
		g.certs[s.CertificateSHA256] = s.Key
	}
}

// signers compares the table with the records.
func (g *registers) signers(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanSigner, `SELECT `+signerColumns+` FROM signers ORDER BY id`)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, s := range rows {
		said, ok := g.signing[s.ID]
		switch who := g.who[s.ID]; {
		case !ok || s.Status != said || (s.Kind == gateway.SignerSeal) != g.seals[s.ID]:
			return evidence.Differs(evidence.RuleTable, "the signer %.64q is %q (%.16s) in the row, and %q by the records, or of another kind", s.ID, s.Status, s.Kind, said), nil
		case who != "" && who != s.Digest():
			return evidence.Differs(evidence.RuleTable, "the signer %.64q has another name, office or number than was enrolled", s.ID), nil
		}
		there[s.ID] = true
	}
	if id := absent(g.signing, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the signer %.64q is missing", id), nil
	}
	return g.signerKeys(ctx, tx)
}

// signerKeys compares whose keys are with the records: a signer that were given a
// seal's key would sign without a passphrase.
func (g *registers) signerKeys(ctx context.Context, tx *Tx) (found, err error) {
	type owned struct{ id, signer string }
	rows, err := list(ctx, tx, func(r row) (o owned, err error) {
		var id [32]byte
		err = r.Scan(sum{&id}, &o.signer)
		o.id = hex.EncodeToString(id[:])
		return o, err
	}, `SELECT id, signer FROM signer_keys ORDER BY id`)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, o := range rows {
		if said, ok := g.keys[o.id]; !ok || said != o.signer {
			return evidence.Differs(evidence.RuleTable, "the key %s is that of %.64q in its row, and of %.64q by the records", o.id, o.signer, said), nil
		}
		there[o.id] = true
	}
	if id := absent(g.keys, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the key %s is missing", id), nil
	}
	return g.certificates(ctx, tx)
}

// certificates compares which keys they are of, what they are, and whether the
// gateway may still use them.
func (g *registers) certificates(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanCertificate, `SELECT `+certificateColumns+` FROM certificates ORDER BY sha256`)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, c := range rows {
		id, key := hex.EncodeToString(c.SHA256[:]), hex.EncodeToString(c.Key[:])
		said, ok := g.certs[id]
		switch {
		case !ok || said != key:
			return evidence.Differs(evidence.RuleTable, "the certificate %s is of the key %s in its row, and of %.64q by the records", id, key, said), nil
		case sha256Of(c.DER) != c.SHA256:
			return evidence.Differs(evidence.RuleTable, "the certificate %s is not what its digest says", id), nil
		case g.ended[id] == c.RevokedLocallyAt.IsZero():
			return evidence.Differs(evidence.RuleTable, "the records and the row of the certificate %s do not agree on whether the gateway has stopped using it", id), nil
		}
		there[id] = true
	}
	if id := absent(g.certs, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the certificate %s is missing", id), nil
	}
	return nil, nil
}

// proposals compares what was asked for, and what became of it, with the records.
func (g *registers) proposals(ctx context.Context, tx *Tx) (found, err error) {
	rows, err := list(ctx, tx, scanProposal, `SELECT `+proposalColumns+` FROM proposals ORDER BY id`)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, p := range rows {
		said, ok := g.asked[p.ID]
		payload := string(p.Payload)
		var set gateway.AnchorSet
		if p.Kind == gateway.ProposeAnchors && json.Unmarshal(p.Payload, &set) == nil {
			payload = set.SHA256
		}
		if !ok || said != (recordedProposal{p.Kind, payload, string(p.Status)}) {
			return evidence.Differs(evidence.RuleTable, "the proposal %.64q (%.32s, %s) is not as by the records, which say %q", p.ID, p.Kind, p.Status, said.status), nil
		}
		there[p.ID] = true
	}
	if id := absent(g.asked, there); id != "" {
		return evidence.Differs(evidence.RuleTable, "the proposal %.64q is missing", id), nil
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
