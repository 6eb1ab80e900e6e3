package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
)

// Kinds of changes that need a second person (S13, S14).
const (
	ProposeAnchors = "trust.anchors"
	ProposeRole    = "application.role"
	ProposePolicy  = "application.policy"
)

// proposalLifetime is how long a second person has.
const proposalLifetime = 7 * 24 * time.Hour

// AnchorSet is the payload of ProposeAnchors: the certificates that the
// gateway may start with.
type AnchorSet struct {
	SHA256 string   `json:"sha256"` // of the DER certificates, sorted, one after the other
	Names  []string `json:"names"`
}

// ApplicationChange is the payload of ProposeRole and ProposePolicy.
type ApplicationChange struct {
	Application string `json:"application"`
	Version     int64  `json:"version"` // that the proposer saw
	Role        Role   `json:"role,omitempty"`
	Policy      Policy `json:"policy"`
}

// person is who acts: whoever holds the application's credential, or the local
// operator. The user whom an application names is not part of it, since nobody
// has checked that name.
func (c Caller) person() string {
	if c.Staff != "" {
		return staffPrefix + c.Staff
	}
	if c.Application.ID == "" {
		return "local:" + c.User
	}
	return "application:" + c.Application.ID
}

// Propose puts a change before a second person.
func (g *Gateway) Propose(ctx context.Context, c Caller, kind string, payload []byte) (*Proposal, error) {
	if err := g.allow(ctx, c, "proposal.make", RoleOperator); err != nil {
		return nil, err
	}
	payload, err := checkProposal(kind, payload)
	if err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	p := Proposal{
		ID: newID(), Organisation: c.Application.Organisation, Kind: kind, Payload: payload, Status: ProposalPending,
		ProposedBy: c.person(), ProposedAt: at, ExpiresAt: at.Add(proposalLifetime),
	}
	err = g.recordWith(ctx, c, proposalRecord("proposal.make", p), func(tx Tx) error { return tx.Propose(ctx, p) })
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func proposalRecord(act string, p Proposal) evidence.Record {
	r := evidence.Record{
		Kind: act, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"proposal": p.ID, "change": p.Kind, "payload": clip(string(p.Payload), maxProposal)},
	}
	var set AnchorSet
	if p.Kind == ProposeAnchors && json.Unmarshal(p.Payload, &set) == nil {
		r.Detail["anchors"] = set.SHA256
	}
	return r
}

// checkProposal refuses what could not be carried out. It returns the change
// as it was understood: what a second person reads is what will be done, though
// the first may have said a member twice.
func checkProposal(kind string, payload []byte) ([]byte, error) {
	var (
		set    AnchorSet
		change ApplicationChange
		into   any = &change
	)
	if kind == ProposeAnchors {
		into = &set
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return nil, &Error{Code: CodeInvalid, Text: "The change cannot be read.", Err: err}
	}
	switch {
	case kind == ProposeAnchors && digest(set.SHA256) == ([32]byte{}):
		return nil, errorf(CodeInvalid, "The anchors need their SHA-256.")
	case kind == ProposeRole && !slices.Contains(applicationRoles, change.Role):
		return nil, errorf(CodeInvalid, "There is no such role.")
	case kind != ProposeAnchors && kind != ProposeRole && kind != ProposePolicy:
		return nil, errorf(CodeInvalid, "There is no such kind of change.")
	}
	b, err := json.Marshal(into)
	if err == nil && kind != ProposeAnchors && len(b) > maxProposal {
		return nil, errorf(CodeInvalid, "The change is longer than %d bytes.", maxProposal)
	}
	return b, err
}

// maxProposal bounds a change, in bytes: the whole of it stands in the record.
// Of anchors the digest does, and the names as far as there is room.
const maxProposal = 4000

// Proposals lists what is or was proposed; status "" stands for all.
func (g *Gateway) Proposals(ctx context.Context, c Caller, status ProposalStatus, p Page) (all []Proposal, err error) {
	if err := g.allow(ctx, c, "proposal.list", RoleOperator, RoleAuditor); err != nil {
		return nil, err
	}
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		all, err = r.Proposals(ctx, status, p)
		return err
	})
	return all, err
}

// Decide approves or rejects a proposal. Approval by the person who proposed it
// is refused, and is on record.
func (g *Gateway) Decide(ctx context.Context, c Caller, id string, approve bool, reason string) error {
	act, status := "proposal.reject", ProposalRejected
	if approve {
		act, status = "proposal.approve", ProposalApproved
	}
	if err := g.allow(ctx, c, act, RoleOperator); err != nil {
		return err
	}
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	var p Proposal
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		p, err = r.Proposal(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	if approve && p.ProposedBy == c.person() {
		g.recordDenied(ctx, c, act, "own proposal")
		return errorf(CodeForbidden, "A second person must approve.")
	}
	decided := proposalRecord(act, p)
	if reason = clip(reason, 1024); reason != "" {
		decided.Detail["reason"] = reason
	}
	return g.recordAt(ctx, c, newID(), at, decided, func(tx Tx) error {
		if err := tx.Decide(ctx, id, c.person(), status, at, reason); err != nil || !approve {
			return err
		}
		return carryOut(ctx, tx, p)
	})
}

// carryOut makes an approved change. That of anchors is made by starting the
// gateway with them.
func carryOut(ctx context.Context, tx Tx, p Proposal) error {
	if p.Kind == ProposeAnchors {
		return nil
	}
	var change ApplicationChange
	if err := json.Unmarshal(p.Payload, &change); err != nil {
		return err
	}
	a, err := tx.Application(ctx, change.Application)
	if err != nil {
		return err
	}
	if a.Version != change.Version {
		return ErrChanged
	}
	if p.Kind == ProposeRole {
		a.Role = change.Role
	} else {
		a.Policy = change.Policy
	}
	return tx.UpdateApplication(ctx, a)
}

// EnsureAnchors refuses anchors that nobody has approved. Those of the very
// first start are taken, and are on record from then on.
func (g *Gateway) EnsureAnchors(ctx context.Context, c Caller, set AnchorSet) error {
	approved, err := g.approvedAnchors(ctx, c)
	if err != nil {
		return err
	}
	if approved != nil {
		if approved.SHA256 == set.SHA256 {
			return nil
		}
		g.recordDenied(ctx, c, "trust.anchors", "not approved: "+set.SHA256)
		return errorf(CodeForbidden, "The trust anchors (%s) are not those that were approved (%s). Propose them (absah trust propose), and have a second person approve.",
			strings.Join(set.Names, "; "), strings.Join(approved.Names, "; "))
	}
	payload, err := json.Marshal(set)
	if err != nil {
		return err
	}
	at, err := g.clock.present()
	if err != nil {
		return err
	}
	p := Proposal{
		ID: newID(), Organisation: c.Application.Organisation, Kind: ProposeAnchors, Payload: payload, Status: ProposalPending,
		ProposedBy: "first start", ProposedAt: at, ExpiresAt: at.Add(proposalLifetime),
	}
	return g.recordAt(ctx, c, newID(), at, proposalRecord("trust.first", p), func(tx Tx) error {
		if err := tx.Propose(ctx, p); err != nil {
			return err
		}
		return tx.Decide(ctx, p.ID, "configuration", ProposalApproved, at, "first start")
	})
}

// approvedAnchors returns the set that was approved last, nil for none. Rows
// can be written by whoever administers the database; that it was approved is
// believed when it is on record too, where it cannot be taken back. Which was the
// last is what the record's order says: a clock that ran ahead dates an approval
// after those that follow when it is right again.
func (g *Gateway) approvedAnchors(ctx context.Context, c Caller) (*AnchorSet, error) {
	all, err := g.approvals(ctx, c, ProposeAnchors)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var (
		last  *AnchorSet
		place int64
	)
	for i := range all { // the newest first, as they are dated
		var set AnchorSet
		if err := json.Unmarshal(all[i].Payload, &set); err != nil {
			return nil, fromStore(err)
		}
		at, found, err := g.placeOfApproval(ctx, c, &all[i], set)
		switch {
		case err != nil:
			return nil, err
		case !found && i == 0:
			g.recordDenied(ctx, c, "trust.anchors", "approval not on record: "+all[i].ID)
			return nil, errorf(CodeForbidden, "The approval %s of the trust anchors is not on record: somebody has written it into the database.", all[i].ID)
		case found && (last == nil || at > place):
			last, place = &set, at
		}
	}
	return last, nil
}

// approvals returns what was approved of a kind, the newest first.
func (g *Gateway) approvals(ctx context.Context, c Caller, kind string) (all []Proposal, err error) {
	for page := (Page{Limit: 100}); ; {
		var some []Proposal
		err := g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
			some, err = r.Proposals(ctx, ProposalApproved, page)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			if p.Kind == kind {
				all = append(all, p)
			}
			page.After = p.ID
		}
		if len(some) < page.Limit {
			slices.SortStableFunc(all, func(a, b Proposal) int { return b.DecidedAt.Compare(a.DecidedAt) })
			return all, nil
		}
	}
}

// placeOfApproval looks for the event that approved p, and returns its place in
// the log; one that has none yet comes after all that have.
func (g *Gateway) placeOfApproval(ctx context.Context, c Caller, p *Proposal, set AnchorSet) (place int64, found bool, err error) {
	const around = time.Minute // the event and the row were dated one after the other once
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		for _, act := range []string{"proposal.approve", "trust.first"} {
			events, err := r.Operations(ctx, OperationQuery{
				Kind: act, From: p.DecidedAt.Add(-around), To: p.DecidedAt.Add(around), Page: Page{Limit: 1000},
			})
			for _, o := range events {
				if err != nil || found {
					break
				}
				var entries []evidence.Entry
				if entries, err = r.EntriesOf(ctx, o.ID); err == nil {
					place, found, err = approvalIn(entries, p, set)
				}
			}
			if err != nil || found {
				return err
			}
		}
		return nil
	})
	return place, found, err
}

// approvalIn looks for the approval among the entries of one event.
func approvalIn(entries []evidence.Entry, p *Proposal, set AnchorSet) (place int64, found bool, err error) {
	for _, e := range entries {
		record, err := evidence.ParseRecord(e.Record)
		if err != nil {
			return 0, false, err
		}
		if sha256.Sum256(slices.Concat(e.Salt[:], e.Record)) == e.Leaf && record.Result.Status == evidence.StatusOK &&
			record.Detail["proposal"] == p.ID && record.Detail["anchors"] == set.SHA256 {
			if e.Index < 0 {
				return math.MaxInt64, true, nil
			}
			return e.Index, true, nil
		}
	}
	return 0, false, nil
}

// AnchorSetOf describes DER certificates.
func AnchorSetOf(der [][]byte, names []string) AnchorSet {
	der = slices.Clone(der)
	slices.SortFunc(der, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	b := evidence.Blob{Data: slices.Concat(der...)}
	return AnchorSet{SHA256: artefactOf(b).SHA256, Names: names}
}
