package gateway_test

import (
	"fmt"
	"testing"

	"github.com/absah-id/absah/evidence/dispute"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/testdata"
)

// TestRoomForFiles: what the gateway itself puts into a case, such as the verdicts
// behind examinations, takes no room from what people give.
func TestRoomForFiles(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ani := w.at("ani", gateway.RoleInvestigator)
	receipt, err := w.FileComplaint(ctx, gateway.Caller{}, gateway.Complaint{Kind: dispute.Authenticity, Text: "asli?", Contact: "x"},
		&gateway.CaseUpload{Upload: upload(testdata.Letter), Name: "surat.pdf"})
	w.must(err)
	const examinations, most = 6, 40
	for range examinations {
		_, err := w.ExamineCase(ctx, ani, w.ref(ani, receipt.ID))
		w.must(err)
	}
	give := func(i int) error {
		return w.AttachToCase(ctx, ani, w.ref(ani, receipt.ID), gateway.CaseAttachment, gateway.CaseUpload{Upload: upload(fmt.Appendf(nil, "%d", i)), Name: "lampiran.txt"})
	}
	for i := range most - 1 { // one is the disputed file
		if err := give(i); err != nil {
			t.Fatalf("file %d: %v", i+2, err)
		}
	}
	if got := codeOf(t, give(most)); got != gateway.CodeTooLarge {
		t.Errorf("one too many: got %q", got)
	}
	_, err = w.ExamineCase(ctx, ani, w.ref(ani, receipt.ID))
	w.must(err)
	v, err := w.Case(ctx, ani, receipt.ID)
	w.must(err)
	if got := len(v.Files); got != most+examinations+1 {
		t.Errorf("got %d files, want %d", got, most+examinations+1)
	}
}
