package main

import (
	"context"
	"io"
	"time"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/verifier/report"
	"github.com/absah-id/absah/verifier/report/paper"
)

// cases is what complaints need of the service. What makes bundles is asked
// only once the service runs.
func (s *gatewayService) cases() gateway.CaseConfig {
	return gateway.CaseConfig{
		Rules: caseRules(s.cfg), Print: printPaper, Seal: s.cfg.Verification.ReportSeal,
		Bundle: func(ctx context.Context, w io.Writer, o *gateway.OnRecord) error {
			return (&bundler{s}).Bundle(ctx, w, o)
		},
	}
}

// caseRules are the rules of the configuration, which has been checked.
func caseRules(cfg *config.Config) dispute.Rules {
	k, r := cfg.Cases, dispute.DefaultRules()
	r.Examine, r.Answer, r.Close, r.Assistance, r.Loss, r.Incident, r.Soon = k.Examine, k.Answer, k.Close, k.Assistance, k.Loss, k.Incident, k.Soon
	r.Retention = k.Retention
	if zone, err := time.LoadLocation(cfg.Organisation.Zone); err == nil {
		r.Calendar.Zone = zone
	}
	if k.WorkDays == 6 {
		r.Calendar.Rest = []time.Weekday{time.Sunday}
	}
	for _, day := range k.Holidays {
		if d, err := dispute.ParseDate(day); err == nil {
			r.Calendar.Holidays = append(r.Calendar.Holidays, d)
		}
	}
	if len(k.Incidents) > 0 {
		r.Incidents = kinds(k.Incidents)
	}
	r.MustEscalate = kinds(k.MustEscalate)
	r.Office = dispute.Office{Head: k.Letterhead, Place: k.Place, Title: k.Signatory}
	if len(k.Letterhead) == 0 {
		r.Office.Head = []string{cfg.Organisation.Name}
	}
	if k.PSrE.Name != "" {
		r.PSrE = dispute.Addressee(k.PSrE)
	}
	for _, a := range k.Recipients {
		r.Recipients = append(r.Recipients, dispute.Addressee(a))
	}
	for _, a := range k.Supervisors {
		r.Supervisors = append(r.Supervisors, dispute.Addressee(a))
	}
	return r
}

func kinds(names []string) (out []dispute.Kind) {
	for _, n := range names {
		out = append(out, dispute.Kind(n))
	}
	return out
}

// printPaper prints a letter or the paper of a case file.
func printPaper(w io.Writer, p dispute.Paper) error {
	s := paper.Sheet{
		Language: report.Language(p.Language), Title: p.Title, Subtitle: p.Subtitle, Head: p.Head, At: p.At, Foot: p.Foot, Version: buildVersion(),
	}
	for _, b := range p.Blocks {
		s.Blocks = append(s.Blocks, paper.Block(b))
	}
	return paper.WriteSheet(w, s)
}
