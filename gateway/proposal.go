package gateway

import (
	"context"
	"encoding/json"
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

// person is who acts: the application together with the user whom it names,
// or the local operator.
func (c Caller) person() string {
	if c.Application.ID == "" {
		return "local:" + c.User
	}
	return c.Application.ID + ":" + c.User
}

// Propose puts a change before a second person.
func (g *Gateway) Propose(ctx context.Context, c Caller, kind string, payload []byte) (*Proposal, error) {
	if err := g.allow(ctx, c, "proposal.make", RoleOperator); err != nil {
		return nil, err
	}
	if err := checkProposal(kind, payload); err != nil {
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
	return evidence.Record{
		Kind: act, Result: evidence.Result{Status: evidence.StatusOK},
		Detail: map[string]string{"proposal": p.ID, "change": p.Kind, "payload": clip(string(p.Payload), 4000)},
	}
}

// checkProposal refuses what could not be carried out.
func checkProposal(kind string, payload []byte) error {
	var fault error
	switch kind {
	case ProposeAnchors:
		var a AnchorSet
		fault = json.Unmarshal(payload, &a)
		if digest(a.SHA256) == ([32]byte{}) {
			return errorf(CodeInvalid, "The anchors need their SHA-256.")
		}
	case ProposeRole, ProposePolicy:
		var a ApplicationChange
		fault = json.Unmarshal(payload, &a)
		roles := []Role{RoleApplication, RoleInvestigator, RoleAuditor, RoleOperator}
		if kind == ProposeRole && !slices.Contains(roles, a.Role) {
			return errorf(CodeInvalid, "There is no such role.")
		}
	default:
		return errorf(CodeInvalid, "There is no such kind of change.")
	}
	if fault != nil {
		return &Error{Code: CodeInvalid, Text: "The change cannot be read.", Err: fault}
	}
	return nil
}

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

// Decide approves or rejects a proposal. Approval by who proposed it is
// refused, and is on record.
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
	return g.recordWith(ctx, c, proposalRecord(act, p), func(tx Tx) error {
		if err := tx.Decide(ctx, id, c.person(), status, at, clip(reason, 1024)); err != nil || !approve {
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
	return g.recordWith(ctx, c, proposalRecord("trust.first", p), func(tx Tx) error {
		if err := tx.Propose(ctx, p); err != nil {
			return err
		}
		return tx.Decide(ctx, p.ID, "configuration", ProposalApproved, at, "first start")
	})
}

// approvedAnchors returns the set that was approved last, nil for none.
func (g *Gateway) approvedAnchors(ctx context.Context, c Caller) (*AnchorSet, error) {
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
			if p.Kind != ProposeAnchors {
				continue
			}
			var set AnchorSet
			if err := json.Unmarshal(p.Payload, &set); err != nil {
				return nil, fromStore(err)
			}
			return &set, nil
		}
		if len(some) < page.Limit {
			return nil, nil
		}
		page.After = some[len(some)-1].ID
	}
}

// AnchorSetOf describes DER certificates.
func AnchorSetOf(der [][]byte, names []string) AnchorSet {
	der = slices.Clone(der)
	slices.SortFunc(der, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	b := evidence.Blob{Data: slices.Concat(der...)}
	return AnchorSet{SHA256: artefactOf(b).SHA256, Names: names}
}
