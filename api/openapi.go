package api

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.json
var openAPIFile []byte

//go:embed docs.html
var docsFile string

// openAPI serves the description of the API (OpenAPI 3.1).
func (s *Server) openAPI(c *gin.Context) error {
	c.Data(http.StatusOK, "application/json", openAPIFile)
	return nil
}

// docsPage is made of the description once; both are part of the program.
var docsPage = sync.OnceValues(func() (*template.Template, error) {
	return template.New("docs").Parse(docsFile)
})

// docs shows the description to people. It needs no script and no network.
func (s *Server) docs(c *gin.Context) error {
	page, err := docsPage()
	if err != nil {
		return err
	}
	var description any
	if err := json.Unmarshal(openAPIFile, &description); err != nil {
		return err
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Status(http.StatusOK)
	return page.Execute(c.Writer, description)
}
