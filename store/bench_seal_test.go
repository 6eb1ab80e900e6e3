package store_test

import (
	"crypto/rand"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/store"
	"github.com/absah-id/absah/store/storetest"
)

// BenchmarkSeal does what the database has to do for a seal: the signer is
// looked up, the intent and the outcome are committed with their artefacts, and
// the sequencer gives both places now and then. cpu-µs/op counts all of the
// process.
func BenchmarkSeal(b *testing.B) {
	for _, e := range engines {
		b.Run(e.Name, func(b *testing.B) {
			db := storetest.Open(b, e)
			blobs := sealer(b, db)
			var background sync.WaitGroup
			stop := make(chan struct{})
			background.Go(func() {
				for tick := time.NewTicker(time.Second); ; {
					select {
					case <-stop:
						tick.Stop()
						return
					case <-tick.C:
						if _, err := storetest.Sequence(b.Context(), db, 4096); err != nil {
							b.Error(err)
						}
					}
				}
			})
			began := cpu(b)
			parallel(b, 16, func() error { return seal(b, db, blobs) })
			b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N), "cpu-µs/op")
			close(stop)
			background.Wait()
		})
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sealer registers a seal and returns the artefacts that all its signatures
// share: the certificates.
func sealer(b *testing.B, db *store.DB) []evidence.Blob {
	key, cert := storetest.Sum("key"), make([]byte, 1200)
	err := db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error {
		if err := tx.AddSigner(b.Context(), gateway.Signer{ID: "segel", Organisation: storetest.Org, Kind: gateway.SignerSeal,
			Name: "Segel", Status: gateway.SignerActive, CreatedAt: storetest.Start}); err != nil {
			return err
		}
		if err := tx.AddKey(b.Context(), gateway.Key{ID: key, Organisation: storetest.Org, Signer: "segel", Algorithm: "RSA-2048",
			Label: "segel", CreatedAt: storetest.Start}); err != nil {
			return err
		}
		return tx.AddCertificate(b.Context(), gateway.Certificate{SHA256: storetest.Sum("certificate"), Organisation: storetest.Org, Key: key,
			DER: cert, Chain: [][]byte{cert, cert}, NotBefore: storetest.Start, NotAfter: storetest.Start.AddDate(2, 0, 0)})
	})
	if err != nil {
		b.Fatal(err)
	}
	var blobs []evidence.Blob
	for range 3 {
		c := make([]byte, 1200)
		rand.Read(c)
		blobs = append(blobs, evidence.Blob{Kind: "certificate", Data: c})
	}
	return blobs
}

func seal(b *testing.B, db *store.DB, shared []evidence.Blob) error {
	if err := db.View(b.Context(), storetest.Org, func(r gateway.Reader) error {
		if _, err := r.Signer(b.Context(), "segel"); err != nil {
			return err
		}
		_, err := r.Keys(b.Context(), "segel")
		return err
	}); err != nil {
		return err
	}
	begin := storetest.Begin(storetest.Org, storetest.Start)
	if err := db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error {
		_, err := tx.BeginOperation(b.Context(), begin)
		return err
	}); err != nil {
		return err
	}
	finish := storetest.Finish(begin)
	signature := make([]byte, 3000)
	rand.Read(signature)
	finish.Artefacts = append([]evidence.Blob{{Kind: "cms", Data: signature}}, shared...)
	finish.Renewal = &gateway.Renewal{Operation: begin.Operation.ID, SHA256: finish.OutputSHA256, Due: storetest.Start}
	return db.Update(b.Context(), storetest.Org, func(tx gateway.Tx) error { return tx.FinishOperation(b.Context(), finish) })
}
