package main

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/evidence/bundle"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/pki"
)

// newEvidenceKeysCommand prints what must be published where a forger of the
// database cannot reach it.
func newEvidenceKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keys CONFIG",
		Short: "Print the verifier keys of the log and its receipts, to be published elsewhere",
		Long: `Keys prints the keys in use now, then the past ones that CONFIG names: a bundle made
before a key was changed is verified with the key of its time.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOffice(cmd, args[0], func(_ context.Context, s *gatewayService) error {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(s.log.AllKeys(), "\n"))
				return err
			})
		},
	}
}

// bundler makes evidence bundles out of what is on record.
type bundler struct{ s *gatewayService }

// How long a bundle waits for its operation to be in the tree and under a
// checkpoint, and then for that to be timestamped: an application that asks at
// once need not ask twice.
const (
	waitForPlace = 10 * time.Second
	waitForStamp = 2 * time.Second
)

func (b *bundler) Bundle(ctx context.Context, w io.Writer, o *gateway.OnRecord) error {
	proofs, err := b.prove(ctx, o.ID)
	if errors.Is(err, evidence.ErrNotIntegrated) {
		return &gateway.Error{Code: gateway.CodeInProgress, Text: "The operation is not in the log yet.", Retry: time.Minute, Operation: o.ID, Err: err}
	}
	if err != nil {
		return err
	}
	for _, p := range proofs {
		if err := b.s.log.Vouched(p.Entry); err != nil {
			return fmt.Errorf("%w: the entry %d: %w", evidence.ErrForged, p.Entry.Index, err)
		}
	}
	in := bundle.Input{
		Origin: evidence.CheckpointOrigin(proofs[0].Checkpoint.Note), Keys: b.s.log.AllKeys(), Proofs: proofs,
		Anchors: b.s.anchors.signers, TSAs: b.s.anchors.tsas,
	}
	if in.Origin == b.s.log.Origin() { // else the log had another name then
		if in.Successors, err = b.s.log.Successors(ctx); err != nil {
			return err
		}
	}
	if err := b.addArtefacts(ctx, &in); err != nil {
		return err
	}
	return bundle.Write(w, in)
}

// prove asks until the operation has its place, under a timestamp if one comes
// soon.
func (b *bundler) prove(ctx context.Context, operation string) ([]evidence.Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, waitForPlace)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		proofs, err := b.s.log.Prove(ctx, operation)
		stamped := len(proofs) > 0 && proofs[0].Checkpoint.Token != nil
		if waited := time.Since(began); err == nil && (stamped || b.s.stamper == nil || waited > waitForStamp) ||
			err != nil && !errors.Is(err, evidence.ErrNotIntegrated) {
			return proofs, err
		}
		select {
		case <-ctx.Done():
			return nil, evidence.ErrNotIntegrated
		case <-tick.C:
		}
	}
}

// addArtefacts fetches what the records name, and what the checkpoint's
// timestamp needs.
func (b *bundler) addArtefacts(ctx context.Context, in *bundle.Input) error {
	seen := map[[32]byte]bool{}
	for _, p := range in.Proofs {
		if err := b.addNamed(ctx, in, seen, p.Entry.Record); err != nil {
			return err
		}
		for _, sum := range p.Checkpoint.Material {
			if err := b.addArtefact(ctx, in, seen, sum, ""); err != nil {
				return err
			}
		}
	}
	return b.addLaterStatus(ctx, in, seen)
}

// addLaterStatus adds what was learnt after a signature of which nobody could say
// whether its certificate was revoked. It needs no proof that it was recorded:
// its issuer has signed it.
func (b *bundler) addLaterStatus(ctx context.Context, in *bundle.Input, seen map[[32]byte]bool) error {
	var entries []evidence.Entry
	err := b.s.db.View(ctx, gateway.AllOrganisations, func(r gateway.Reader) error {
		event, err := r.StatusGivenBy(ctx, in.Proofs[0].Entry.Operation)
		if errors.Is(err, gateway.ErrNotFound) || err == nil && event == "" {
			return nil
		}
		if err == nil {
			entries, err = r.EntriesOf(ctx, event)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := b.addNamed(ctx, in, seen, e.Record); err != nil {
			return err
		}
	}
	return nil
}

// materialKind tells certificates, OCSP responses and revocation lists apart.
func materialKind(der []byte) string {
	if _, err := x509.ParseCertificate(der); err == nil {
		return evidence.ArtefactCertificate
	}
	if _, err := pki.ParseCRL(der); err == nil {
		return evidence.ArtefactCRL
	}
	return evidence.ArtefactOCSP // one that cannot be read says nothing
}

// addNamed adds the artefacts that a record names.
func (b *bundler) addNamed(ctx context.Context, in *bundle.Input, seen map[[32]byte]bool, record []byte) error {
	r, err := evidence.ParseRecord(record)
	if err != nil {
		return err
	}
	for _, a := range r.Artefacts {
		var sum [32]byte
		if _, err := hex.Decode(sum[:], []byte(a.SHA256)); err != nil {
			return err
		}
		if err := b.addArtefact(ctx, in, seen, sum, a.Kind); err != nil {
			return err
		}
	}
	return nil
}

// addArtefact adds one of the kind that a record has it as, "" for what a timestamp
// is verified with, of which the bytes say what it is. The kind in the database is
// anybody's who writes to it.
func (b *bundler) addArtefact(ctx context.Context, in *bundle.Input, seen map[[32]byte]bool, sum [32]byte, kind string) error {
	if seen[sum] {
		return nil
	}
	seen[sum] = true
	blob, ok, err := b.s.db.Artefact(ctx, sum)
	if err != nil || !ok { // erased: the record still names it
		return err
	}
	if kind == "" {
		kind = materialKind(blob.Data)
	}
	switch kind {
	case evidence.ArtefactCMS:
		in.CMS = blob.Data
	case evidence.ArtefactTimestamp:
		in.Timestamps = append(in.Timestamps, blob.Data)
	case evidence.ArtefactCertificate:
		cert, err := x509.ParseCertificate(blob.Data)
		if err != nil {
			return fmt.Errorf("certificate on record: %w", err)
		}
		in.Evidence.Add(pki.Evidence{Certificates: []*x509.Certificate{cert}})
	case evidence.ArtefactOCSP:
		in.Evidence.Add(pki.Evidence{OCSPs: [][]byte{blob.Data}})
	case evidence.ArtefactCRL:
		in.Evidence.Add(pki.Evidence{CRLs: [][]byte{blob.Data}})
	}
	return nil
}
