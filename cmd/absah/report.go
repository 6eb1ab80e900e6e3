package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/etsi"
	"github.com/absah-id/absah/verifier/report/paper"
)

// nameMark stands in a --report for the name of the file reported about.
const nameMark = "{}"

// reportFlags are the flags of "absah verify" about reports and their words.
type reportFlags struct {
	files          []string // of --report
	language, zone string
	detailed       bool
}

// zones are the time zones of Indonesia, by the names that people use.
var zones = map[string]*time.Location{
	"WIB":  time.FixedZone("WIB", 7*60*60),
	"WITA": time.FixedZone("WITA", 8*60*60),
	"WIT":  time.FixedZone("WIT", 9*60*60),
	"UTC":  time.UTC,
}

// reportFormats write a report in the format of an extension.
var reportFormats = map[string]func(*reportWriter, io.Writer, *verifier.Report) error{
	".xml": func(_ *reportWriter, w io.Writer, r *verifier.Report) error {
		return etsi.Write(w, r, etsi.Options{Version: buildVersion()})
	},
	".pdf": func(o *reportWriter, w io.Writer, r *verifier.Report) error {
		return paper.Write(w, r, paper.Options{
			Language: o.language, Zone: o.zone, Version: buildVersion(), Detailed: o.detailed, Chosen: o.chosen,
		})
	},
	".txt":  (*reportWriter).text,
	".json": (*reportWriter).json,
}

// reportWriter writes the reports that --report asks for.
type reportWriter struct {
	targets  []string
	language report.Language
	zone     *time.Location
	detailed bool
	chosen   bool // the moment of validation was given by flag
}

// writer checks the flags against the files to be verified: before anything is
// judged it must be clear that every report has a place of its own.
func (f *reportFlags) writer(inputs []string) (*reportWriter, error) {
	o := &reportWriter{targets: f.files, language: report.Language(f.language), detailed: f.detailed}
	if o.language != report.Indonesian && o.language != report.English {
		return nil, usageErrorf("--lang: %q is not id or en", f.language)
	}
	if o.zone = zones[strings.ToUpper(f.zone)]; o.zone == nil {
		return nil, usageErrorf("--zone: %q is not wib, wita, wit or utc", f.zone)
	}
	from := map[string]string{}
	for _, target := range f.files {
		if reportFormats[filepath.Ext(target)] == nil {
			return nil, usageErrorf("--report %s: the name must end with .xml, .pdf, .txt or .json", target)
		}
		if len(inputs) > 1 && !strings.Contains(target, nameMark) {
			return nil, usageErrorf("--report %s: with several files the name needs %s, for the name of the file", target, nameMark)
		}
		for _, input := range inputs {
			name := reportName(target, input)
			if other, taken := from[name]; taken {
				return nil, usageErrorf("the reports about %s and %s would both be %s", other, input, name)
			}
			from[name] = input
			if overwrites(name, inputs) {
				return nil, usageErrorf("--report %s would overwrite a file that is to be verified", name)
			}
		}
	}
	return o, nil
}

// reportName puts the name of the input, without its extension, in the place
// of the mark.
func reportName(target, input string) string {
	base := filepath.Base(input)
	return filepath.Clean(strings.ReplaceAll(target, nameMark, strings.TrimSuffix(base, filepath.Ext(base))))
}

func overwrites(name string, inputs []string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(inputs, func(input string) bool {
		other, err := os.Stat(input)
		return err == nil && os.SameFile(info, other)
	})
}

// write writes every report about a file, each whole or not at all.
func (o *reportWriter) write(r *verifier.Report) error {
	for _, target := range o.targets {
		var b bytes.Buffer
		if err := reportFormats[filepath.Ext(target)](o, &b, r); err != nil {
			return fmt.Errorf("report about %s: %w", r.File, err)
		}
		if err := writeFile(reportName(target, r.File), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func (o *reportWriter) text(w io.Writer, r *verifier.Report) error {
	if o.detailed {
		return report.Detailed(w, r, o.language, o.zone)
	}
	return report.Simple(w, r, o.language, o.zone)
}

// json writes one object, which the contract describes, on one line.
func (o *reportWriter) json(w io.Writer, r *verifier.Report) error {
	marshal := r.MarshalJSON
	if o.detailed {
		marshal = r.DetailedJSON
	}
	b, err := marshal()
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
