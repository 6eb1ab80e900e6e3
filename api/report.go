package api

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

// Media types of a verdict.
const (
	typeJSON = "application/json"
	typeText = "text/plain"
)

// writeReport answers with a verdict in the form that the request accepts.
func writeReport(c *gin.Context, r *verifier.Report) error {
	switch c.NegotiateFormat(typeJSON, typeText) {
	case typeText:
		var b bytes.Buffer
		if err := report.Simple(&b, r, language(c), time.UTC); err != nil {
			return err
		}
		c.Data(http.StatusOK, "text/plain; charset=utf-8", b.Bytes())
		return nil
	default: // also for those who accept nothing that we have: better than no verdict
		b, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		c.Data(http.StatusOK, typeJSON, b)
		return nil
	}
}

// language is English for those who ask for it before Indonesian.
func language(c *gin.Context) report.Language {
	for _, part := range strings.Split(c.GetHeader("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if primary == "en" {
			return report.English
		}
		if slices.Contains([]string{"id", "in", "ms"}, primary) {
			return report.Indonesian
		}
	}
	return report.Indonesian
}
