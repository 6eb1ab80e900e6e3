package api

import (
	"io"
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/gateway"
)

// stamp answers a timestamp query as RFC 3161 §3.4 has it, for applications
// that have proved themselves: what the authority signs is on record too.
func (s *Server) stamp(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || kind != tsp.QueryType {
		return &gateway.Error{Code: codeMediaType, Text: "Send " + tsp.QueryType + ".", Err: err}
	}
	if err := limitBody(c, tsp.MaxRequest); err != nil {
		return err
	}
	query, err := io.ReadAll(c.Request.Body)
	if err != nil {
		return received(err)
	}
	reply, err := inTurn(c.Request.Context(), s.signing, caller.Application.ID, func() (*gateway.Stamped, error) {
		return s.cfg.Gateway.Stamp(c.Request.Context(), caller, s.cfg.Timestamps, query)
	})
	if err != nil {
		return err
	}
	c.Header(headerOperation, reply.Operation)
	c.Data(http.StatusOK, tsp.ReplyType, reply.Reply)
	return nil
}
