package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/absah-id/absah/verifier/report"
)

//go:embed templates words*_id.json words*_en.json assets pdfjs/served
var files embed.FS

// wordsIn are the words of reports and those of the pages. A message that both
// need is the report's.
func wordsIn(l report.Language) (report.Words, error) {
	words, err := report.WordsIn(l)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "words*_"+string(l)+".json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var own map[string]string
		if err := json.Unmarshal(data, &own); err != nil {
			return nil, fmt.Errorf("web: %s: %w", name, err)
		}
		for key, text := range own {
			if _, taken := words[key]; taken {
				return nil, fmt.Errorf("web: word %s is there already", key)
			}
			words[key] = text
		}
	}
	return words, nil
}

func parseTemplates(l report.Language, words report.Words, cfg Config) (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"t":      words.Text,
		"join":   func(parts ...string) string { return strings.Join(parts, "") },
		"office": func() string { return cfg.Office },
		"limit":  func() int64 { return cfg.MaxUpload },
		// caseLimit is that of a file for a complaint.
		"caseLimit": cfg.caseFileLimit,
		"size":      func(n int64) string { return sizeText(words, n) },
		"bars":      func(class, label string, bars []barView) barsView { return barsView{class, label, bars} },
		"language":  func() report.Language { return l },
		"to":        func(path string) string { return addressIn(l, path) },
		"zones":     func() []zone { return zones },
		// complaints tells whether there is a way to complain.
		"complaints": func() bool { return cfg.Cases != nil },
		"assets": func() map[string]string {
			return map[string]string{"preview": assets.preview, "library": assets.library, "worker": assets.worker}
		},
	}).ParseFS(files, "templates/*.html")
}

// sizeText is a size as people write it: 25 MB, 1,4 MB, 812 kB.
func sizeText(w report.Words, n int64) string {
	units := []string{"byte", "kB", "MB", "GB"}
	value, unit := float64(n), 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	digits := 1
	if unit == 0 || value >= 10 {
		digits = 0
	}
	text := strings.TrimSuffix(strconv.FormatFloat(value, 'f', digits, 64), ".0")
	return strings.Replace(text, ".", w.Text("web.decimal"), 1) + "\u00a0" + units[unit]
}

// served is a file that pages refer to, under a name that changes with its
// content, so that browsers may keep it for ever.
type served struct {
	kind string
	data []byte
}

var assets = loadAssets()

type assetTable struct {
	byName        map[string]served
	style, script string // addresses
	op            string // the console's own style
	// preview draws documents; its library and worker are "" when the program
	// was built without them.
	preview, library, worker string
}

func loadAssets() assetTable {
	t := assetTable{byName: map[string]served{}}
	add := func(name, kind string) string {
		data, err := files.ReadFile(name)
		if err != nil {
			return ""
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(name)
		name = strings.TrimSuffix(path.Base(name), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		t.byName[name] = served{kind, data}
		return "/assets/" + name
	}
	const script = "text/javascript; charset=utf-8"
	t.style, t.script, t.preview = add("assets/style.css", "text/css; charset=utf-8"), add("assets/page.js", script), add("assets/preview.js", script)
	t.op = add("assets/op.css", "text/css; charset=utf-8")
	t.library, t.worker = add("pdfjs/served/pdf.min.mjs", script), add("pdfjs/served/pdf.worker.min.mjs", script)
	return t
}

// asset serves one of the files.
func (v *visit) asset(name string) error {
	a, ok := assets.byName[name]
	if !ok {
		return errNotFound
	}
	h := v.w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(a.data)))
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(a.data) // whoever asked may have gone
	return nil
}
