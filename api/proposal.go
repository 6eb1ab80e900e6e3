package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

func proposalJSON(p *gateway.Proposal) map[string]any {
	return map[string]any{
		"id": p.ID, "kind": p.Kind, "change": json.RawMessage(p.Payload), "status": p.Status,
		"proposedBy": p.ProposedBy, "proposedAt": p.ProposedAt, "expires": p.ExpiresAt,
		"decidedBy": p.DecidedBy, "decidedAt": timeOrNone(p.DecidedAt), "reason": p.Reason,
	}
}

func (s *Server) propose(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b struct {
		Kind   string          `json:"kind"`
		Change json.RawMessage `json:"change"`
	}
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	change := reflect.TypeFor[gateway.ApplicationChange]()
	if b.Kind == gateway.ProposeAnchors {
		change = reflect.TypeFor[gateway.AnchorSet]()
	}
	if err := exact(b.Change, change); err != nil {
		return invalid("The change: "+err.Error()+".", nil)
	}
	p, err := s.cfg.Gateway.Propose(c.Request.Context(), caller, b.Kind, b.Change)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, proposalJSON(p))
	return nil
}

func (s *Server) proposals(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	q := query{c: c, known: []string{"status", "after", "limit"}}
	status, p := gateway.ProposalStatus(q.text("status")), q.page()
	known := []gateway.ProposalStatus{"", gateway.ProposalPending, gateway.ProposalApproved, gateway.ProposalRejected}
	if !slices.Contains(known, status) {
		q.fail("There is no such status of proposals.")
	}
	if err := q.done(); err != nil {
		return err
	}
	found, err := s.cfg.Gateway.Proposals(c.Request.Context(), caller, status, p)
	if err != nil {
		return err
	}
	list := make([]map[string]any, 0, len(found))
	for i := range found {
		list = append(list, proposalJSON(&found[i]))
	}
	c.JSON(http.StatusOK, map[string]any{"proposals": list})
	return nil
}

func (s *Server) decide(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var b struct {
		Approve *bool  `json:"approve"`
		Reason  string `json:"reason"`
	}
	if err := s.jsonBody(c, &b); err != nil {
		return err
	}
	if b.Approve == nil {
		return invalid("approve is missing.", nil)
	}
	if err := s.cfg.Gateway.Decide(c.Request.Context(), caller, c.Param("id"), *b.Approve, b.Reason); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
