package evidence_test

import (
	"testing"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/evidencetest"
)

// BenchmarkNewEntry is what a record costs before the database: canonical JSON,
// leaf and, for an outcome, the receipt by a key in memory, verified.
func BenchmarkNewEntry(b *testing.B) {
	l := newLog(b, new(evidencetest.Store))
	for _, phase := range []evidence.Phase{evidence.PhaseIntent, evidence.PhaseOutcome} {
		b.Run(string(phase), func(b *testing.B) {
			r := record(phase)
			for b.Loop() {
				if _, _, err := l.NewEntry(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAudit audits a log of a thousand entries in memory, receipts too.
func BenchmarkAudit(b *testing.B) {
	store := new(evidencetest.Store)
	l := newLog(b, store)
	add(b, l, store, 0, 1000)
	integrate(b, l)
	b.ResetTimer()
	for b.Loop() {
		if f, err := l.Audit(b.Context(), nil, nil); err != nil || !f.OK() {
			b.Fatal(f, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/entry")
}

// BenchmarkProve proves one of a thousand entries.
func BenchmarkProve(b *testing.B) {
	store := new(evidencetest.Store)
	l := newLog(b, store)
	add(b, l, store, 0, 1000)
	integrate(b, l)
	for b.Loop() {
		if _, err := l.Prove(b.Context(), operation(500)); err != nil {
			b.Fatal(err)
		}
	}
}
