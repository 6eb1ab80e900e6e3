package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/api"
	"github.com/absah-id/absah/gateway"
)

func newServer(t *testing.T) *api.Server {
	t.Helper()
	s, err := api.New(api.Config{
		Gateway: new(gateway.Gateway), Spool: t.TempDir(), PublicURL: "https://sah.contohkab.go.id", Upload: 1 << 20, Total: 1 << 21,
		Log: http.NotFoundHandler(), Timestamps: noAuthority{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noAuthority has its route, and is never asked.
type noAuthority struct{ gateway.Authority }

func get(t *testing.T, s *api.Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: got %d", path, w.Code)
	}
	return w
}

// description is the part of an OpenAPI document that is looked at here.
type description struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

func describe(t *testing.T, s *api.Server) (d description, raw string) {
	t.Helper()
	raw = get(t, s, "/v1/openapi.json").Body.String()
	if err := json.Unmarshal([]byte(raw), &d); err != nil {
		t.Fatal(err)
	}
	return d, raw
}

// TestOpenAPIHasEveryRoute compares the description with what is served, both
// ways. Pages are for people, and the log is one route of several kinds of tiles.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	s := newServer(t)
	d, _ := describe(t, s)
	var described, served []string
	for path, methods := range d.Paths {
		if strings.HasPrefix(path, "/log/") {
			path = "/log/*path"
		}
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range s.Handler().(*gin.Engine).Routes() {
		if !slices.ContainsFunc([]string{"/v1/", "/tsa", "/log/", "/healthz", "/readyz"}, func(p string) bool { return strings.HasPrefix(r.Path, p) }) {
			continue
		}
		parts := strings.Split(r.Path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		served = append(served, r.Method+" "+strings.Join(parts, "/"))
	}
	slices.Sort(described)
	described = slices.Compact(described) // the log's
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// TestOpenAPIRefersToWhatThereIs also finds schemas that nothing refers to.
func TestOpenAPIRefersToWhatThereIs(t *testing.T) {
	d, raw := describe(t, newServer(t))
	used := map[string]bool{}
	for rest := raw; ; {
		_, after, found := strings.Cut(rest, `"#/components/schemas/`)
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, `"`)
		used[name], rest = true, tail
		if d.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
}

// TestOpenAPIKinds: a search names a kind of operation that there is.
func TestOpenAPIKinds(t *testing.T) {
	d, _ := describe(t, newServer(t))
	var search struct {
		Parameters []struct {
			Name   string
			Schema struct{ Enum []string }
		}
	}
	if err := json.Unmarshal(d.Paths["/v1/operations"]["get"], &search); err != nil {
		t.Fatal(err)
	}
	for _, p := range search.Parameters {
		if p.Name == "kind" && !slices.Equal(p.Schema.Enum, gateway.Kinds()) {
			t.Errorf("described %q, known %q", p.Schema.Enum, gateway.Kinds())
		}
	}
}

// TestDocs: the page names every route and needs neither script nor network.
func TestDocs(t *testing.T) {
	s := newServer(t)
	d, _ := describe(t, s)
	page := get(t, s, "/v1/docs").Body.String()
	for path := range d.Paths {
		if !strings.Contains(page, path) {
			t.Errorf("the page lacks %s", path)
		}
	}
	for _, no := range []string{"<script", "http://", "https://", "<no value>"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
}
