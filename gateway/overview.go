package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/absah-id/absah/evidence"
)

// OverviewRequest says which days the overview is about.
type OverviewRequest struct {
	Days int // that end with today: 1 to 366
	// Offset is how far east of UTC the zone is whose days are counted.
	Offset time.Duration
}

// Overview is how the gateway has worked, for whoever watches over it.
type Overview struct {
	At       time.Time
	Days     []OverviewDay // one for each day, oldest first
	Kinds    []Count       // operations by kind, most first
	Failures []Count       // of signing and sealing, by reason, most first
	Verdicts []Count       // of verifications, most first
	// Expiring are the certificates that end within ExpiryNotice, soonest
	// first, with their signers by key.
	Expiring []ExpiringCertificate
	// Cases are the open complaints that the caller may read, the next to be
	// due first, at most maxOpenCases.
	Cases []CaseSummary
	// Retention counts all complaints, those that the caller may not read too.
	Retention CaseRetention
	Log       evidence.Health
}

// OverviewDay is one day of the overview.
type OverviewDay struct {
	Day      time.Time // its beginning
	Released int64     // signatures and seals
	Failed   int64     // refused or failed, or nobody knows
	Verified int64     // documents judged
}

// Count is how often something occurred.
type Count struct {
	Name string
	N    int64
}

// ExpiringCertificate is a certificate that is about to end.
type ExpiringCertificate struct {
	Certificate Certificate
	Name        string // common name of its subject; "" when it cannot be read
}

// ExpiryNotice is how long before its end a certificate is in the overview:
// renewing takes an office weeks.
const ExpiryNotice = 90 * 24 * time.Hour

// maxExpiring bounds the list of certificates that are about to end.
const maxExpiring = 200

// Overview counts what was done. That it was asked is on record.
func (g *Gateway) Overview(ctx context.Context, c Caller, req OverviewRequest) (*Overview, error) {
	if req.Days < 1 || req.Days > 366 {
		return nil, errorf(CodeInvalid, "An overview is about 1 to 366 days.")
	}
	if err := g.recordRead(ctx, c, "overview.read", map[string]string{"days": strconv.Itoa(req.Days)}); err != nil {
		return nil, err
	}
	at, err := g.clock.present()
	if err != nil {
		return nil, err
	}
	today := at.Add(req.Offset).Truncate(24 * time.Hour).Add(-req.Offset)
	o := &Overview{At: at}
	for i := req.Days - 1; i >= 0; i-- {
		o.Days = append(o.Days, OverviewDay{Day: today.AddDate(0, 0, -i)})
	}
	from, to := o.Days[0].Day, today.AddDate(0, 0, 1)
	var (
		counts   []OperationCount
		verdicts []VerdictCount
		expiring []Certificate
	)
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) (err error) {
		if counts, err = r.CountOperations(ctx, from, to, req.Offset); err != nil {
			return err
		}
		if verdicts, err = r.CountVerdicts(ctx, from, to, req.Offset); err != nil {
			return err
		}
		if o.Cases, err = openCases(ctx, c, r); err != nil {
			return err
		}
		if o.Retention, err = g.retention(ctx, r, at); err != nil {
			return err
		}
		expiring, err = r.Expiring(ctx, at.Add(ExpiryNotice), Page{Limit: maxExpiring})
		return err
	})
	if err != nil {
		return nil, err
	}
	o.count(counts, verdicts)
	for _, cert := range expiring {
		x := ExpiringCertificate{Certificate: cert}
		if leaf, _, err := g.parsed.named(cert); err == nil {
			x.Name = leaf.Subject.CommonName
		}
		o.Expiring = append(o.Expiring, x)
	}
	if o.Log, err = g.cfg.Notary.Health(ctx); err != nil {
		return nil, fromStore(err)
	}
	return o, nil
}

// count sorts the numbers of the database into days and tables.
func (o *Overview) count(counts []OperationCount, verdicts []VerdictCount) {
	kinds, failures, verdict := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, n := range counts {
		kinds[n.Kind] += n.N
		day := o.day(n.Day)
		if n.Kind != "sign" && n.Kind != "seal" || day == nil {
			continue
		}
		switch n.Status {
		case OperationOK:
			day.Released += n.N
		case OperationPending:
		default:
			day.Failed += n.N
			failures[n.Code] += n.N
		}
	}
	for _, n := range verdicts {
		verdict[n.Verdict] += n.N
		if day := o.day(n.Day); day != nil {
			day.Verified += n.N
		}
	}
	o.Kinds, o.Failures, o.Verdicts = ranked(kinds), ranked(failures), ranked(verdict)
}

func (o *Overview) day(begins time.Time) *OverviewDay {
	i := slices.IndexFunc(o.Days, func(d OverviewDay) bool { return d.Day.Equal(begins) })
	if i < 0 {
		return nil
	}
	return &o.Days[i]
}

// ranked lists counts, the most frequent first.
func ranked(n map[string]int64) (all []Count) {
	for name, count := range n {
		all = append(all, Count{name, count})
	}
	slices.SortFunc(all, func(a, b Count) int {
		if a.N != b.N {
			return int(min(max(b.N-a.N, -1), 1))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}
