package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// What a client still sends after its answer is read and thrown away, within these
// bounds. A connection that is closed before tells most clients, and all browsers,
// of a failure of the network: they have not looked for an answer yet.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 32 << 20
)

// linger sends the answer and reads what is left of the request's body; nil has
// none. A client that waits to be told to send its body never is, after the answer.
func (p *paced) linger(c *gin.Context) {
	if p == nil || p.over || !p.begun && c.GetHeader("Expect") != "" || c.Request.ProtoMajor != 1 || !c.Writer.Written() {
		return
	}
	c.Writer.Flush()
	if err := p.c.SetReadDeadline(time.Now().Add(lingerTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return
	}
	// However it ends, the server closes what has not been read to its end.
	_, _ = io.Copy(io.Discard, io.LimitReader(p.ReadCloser, lingerBytes))
}
