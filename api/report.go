package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/etsi"
	"github.com/absah-id/absah/verifier/report/paper"
)

// Media types of a verdict.
const (
	typeJSON = "application/json"
	typeText = "text/plain"
	typeXML  = "application/xml"
	typePDF  = "application/pdf"
)

// writeReport answers with a verdict in the form that the request accepts, and
// with what has become of the documents that the file is but in XML, which has no
// place for it; with JSON also those who accept nothing that we have, which is
// better than no verdict.
func (s *Server) writeReport(c *gin.Context, r *verifier.Report, registrations []report.Registration) error {
	var (
		b    bytes.Buffer
		err  error
		kind = c.NegotiateFormat(typeJSON, typeText, typeXML, typePDF)
	)
	switch kind {
	case typeText:
		kind, err = "text/plain; charset=utf-8", report.Simple(&b, r, language(c), s.cfg.Zone, registrations...)
	case typeXML:
		err = etsi.Write(&b, r, etsi.Options{Version: s.cfg.Version})
	case typePDF:
		err = paper.Write(&b, r, paper.Options{Language: language(c), Zone: s.cfg.Zone, Version: s.cfg.Version, Registrations: registrations})
	default:
		kind = typeJSON
		err = writeJSON(&b, r, registrations)
	}
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, kind, b.Bytes())
	return nil
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

// writeJSON writes a verdict, and into the same object what has become of the
// documents.
func writeJSON(b *bytes.Buffer, r *verifier.Report, registrations []report.Registration) error {
	verdict, err := r.MarshalJSON()
	if err != nil || len(registrations) == 0 {
		b.Write(verdict)
		return err
	}
	more, err := json.Marshal(map[string]any{"registrations": registrations})
	if err != nil {
		return err
	}
	b.Write(verdict[:len(verdict)-1])
	b.WriteByte(',')
	b.Write(more[1:])
	return nil
}
