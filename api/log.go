package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// log serves the public log. What it refuses is a problem document here too.
func (s *Server) log(c *gin.Context) error {
	w := &withoutErrors{ResponseWriter: c.Writer}
	http.StripPrefix("/log", s.cfg.Log).ServeHTTP(w, c.Request)
	if w.refused == 0 {
		return nil
	}
	c.Writer.Header().Del("Content-Type") // of what was not written
	if w.refused >= http.StatusInternalServerError {
		return &gateway.Error{Code: gateway.CodeRecord, Text: "The log cannot be read at present.", Retry: 10 * time.Second}
	}
	return &gateway.Error{Code: gateway.CodeNotFound, Text: "The log has nothing at this address."}
}

// withoutErrors passes an answer on unless it is a refusal.
type withoutErrors struct {
	http.ResponseWriter
	refused int // status; zero: it is not
}

// WriteHeader implements http.ResponseWriter.
func (w *withoutErrors) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *withoutErrors) Write(b []byte) (int, error) {
	if w.refused != 0 {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
