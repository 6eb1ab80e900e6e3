package report_test

import (
	"fmt"
	"os"

	"github.com/absah-id/absah/verifier"
	"github.com/absah-id/absah/verifier/report"
)

func ExampleSimple() {
	r := &verifier.Report{File: "surat.pdf", Verdict: verifier.NoSignature}
	if err := report.Simple(os.Stdout, r, report.Indonesian, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Laporan verifikasi
	//
	// Dokumen ini tidak memuat tanda tangan elektronik.
	//
	// Berkas: surat.pdf
	// Dinilai per: 0001-01-01 00:00:00 +00:00
}
