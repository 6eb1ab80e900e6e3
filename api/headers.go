package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// single are headers of which a second one is refused: whoever reads the first
// and whoever reads the last would differ in what was asked for.
var single = []string{"Content-Type", headerKey, headerUser}

// maxIdempotencyKey bounds the header, in bytes.
const maxIdempotencyKey = 200

// checkHeaders refuses what would be ignored or guessed at.
func checkHeaders(c *gin.Context, r route) error {
	for _, name := range single {
		if len(c.Request.Header.Values(name)) > 1 {
			return invalid("The header "+name+" may occur once.", nil)
		}
	}
	key, sent := c.GetHeader(headerKey), len(c.Request.Header.Values(headerKey)) > 0
	reads := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	switch {
	case !sent || reads: // reading is idempotent anyway
		return nil
	case !r.keyed:
		return invalid("Idempotency-Key is for signing and sealing; here it would not be honoured.", nil)
	case key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return invalid(fmt.Sprintf("Idempotency-Key has 1 to %d characters, all of them ASCII.", maxIdempotencyKey), nil)
	}
	return nil
}

// closeChunked ends the connection after a request whose body comes in chunks
// (RFC 9112 §6.1). Package net/http has removed a Content-Length beside them by
// now, so that nobody can tell whether there was one; a proxy that went by it
// would take what follows for another request.
func closeChunked(c *gin.Context) {
	if c.Request.ProtoMajor == 1 && slices.Contains(c.Request.TransferEncoding, "chunked") {
		c.Header("Connection", "close")
	}
	c.Next()
}

// caller authenticates the request.
func (s *Server) caller(c *gin.Context) (gateway.Caller, error) {
	return s.authenticate(c.Request.Context(), proof(c))
}

// proof collects what the request shows of its sender. All of it must hold, so
// a header that cannot be read, or a second one of a kind, spoils the rest:
// nobody is let in by whichever comes first.
func proof(c *gin.Context) gateway.Proof {
	p := gateway.Proof{Address: c.ClientIP(), User: c.GetHeader(headerUser)}
	spoilt := gateway.Proof{Address: p.Address, Spoilt: true}
	for _, value := range c.Request.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(value, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case strings.EqualFold(scheme, "Bearer") && rest != "" && p.Key == "":
			p.Key = rest
		case strings.EqualFold(scheme, "Basic") && p.Username == "":
			r := http.Request{Header: http.Header{"Authorization": {value}}}
			if p.Username, p.Password, _ = r.BasicAuth(); p.Username == "" {
				return spoilt
			}
		default:
			return spoilt
		}
	}
	if state := c.Request.TLS; state != nil && len(state.VerifiedChains) > 0 {
		p.Certificate = sha256Sum(state.VerifiedChains[0][0].RawSubjectPublicKeyInfo)
	}
	return p
}

// anonymous tells whether a request shows nothing of its sender.
func anonymous(p gateway.Proof) bool {
	return p == gateway.Proof{Address: p.Address, User: p.User}
}
