//go:build unix

package pades_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/pdf/pades"
)

// TestJudgeBudget judges files that are small to send and made to cost. What
// matters is that there is an answer, that it is no pass, and that it comes
// within the ten seconds of CPU that a file may take.
func TestJudgeBudget(t *testing.T) {
	base := sign(t, formDoc(t), pades.SignatureSpec{Field: "Signature1"}, 1)
	refs := func(from, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d 0 R ", from+i)
		}
		return b.String()
	}
	page := "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 9 0 R /Annots [%s] >>"
	for _, c := range []struct {
		name      string
		revisions []map[uint32]string
	}{
		{"annotations replaced", []map[uint32]string{
			{3: fmt.Sprintf(page, refs(1000, 40_000))}, {3: fmt.Sprintf(page, refs(100_000, 40_000))}}},
		{"direct annotations", []map[uint32]string{
			{3: fmt.Sprintf(page, strings.Repeat("<</A 1>> ", 20_000))}, {3: fmt.Sprintf(page, strings.Repeat("<</A 2>> ", 20_000))}}},
		{"a form in every revision", slices.Repeat([]map[uint32]string{
			{1: "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [" + strings.Repeat("4 0 R 5 0 R 6 0 R ", 5_000) + "] >> >>"}}, 100)},
		{"structure in a ring", []map[uint32]string{
			{1: "<< /Type /Catalog /Pages 2 0 R /StructTreeRoot 60 0 R >>", 60: "<< /K 61 0 R >>", 61: "<< /K [61 0 R 62 0 R] >>", 62: "<< /K 61 0 R >>"}}},
		{"a wide tree", []map[uint32]string{wide(60, 6), wide(70, 6)}},
		{"copies within copies", []map[uint32]string{nested(60, 400)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := base
			for _, objects := range c.revisions {
				doc = extend(t, doc, raw(doc, maps.Clone(objects), ""))
			}
			began := cpuTime(t)
			dj := judge(t, doc, pades.ChangePolicy{FormValues: true})
			if took := cpuTime(t) - began; took > 10*time.Second {
				t.Errorf("%v", took)
			} else {
				t.Log(took)
			}
			if len(dj.Signatures) == 0 {
				return // reported as damage
			}
			if j := dj.Signatures[0]; len(j.Structure)+len(j.Violations) == 0 {
				t.Errorf("passes: %s", said(j))
			}
		})
	}
}

// cpuTime is what this process has used: other processes must not make the test
// fail.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// wide makes extensions of arrays each of which refers to the next many times.
func wide(from uint32, n int) map[uint32]string {
	m := map[uint32]string{1: fmt.Sprintf("<< /Type /Catalog /Pages 2 0 R /Extensions << /A %d 0 R >> >>", from)}
	for i := range uint32(n) {
		m[from+i] = "[" + strings.Repeat(fmt.Sprintf("%d 0 R ", from+i+1), 200) + "]"
	}
	return m
}

// nested makes a store of dictionaries each of which refers to the next twice.
func nested(from uint32, n int) map[uint32]string {
	m := map[uint32]string{1: fmt.Sprintf("<< /Type /Catalog /Pages 2 0 R /Extensions %d 0 R >>", from)}
	for i := range uint32(n) {
		m[from+i] = fmt.Sprintf("<< /A %d 0 R /B %d 0 R >>", from+i+1, from+i+1)
	}
	return m
}
