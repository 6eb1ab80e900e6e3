package evidence

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness is a party that cosigns checkpoints (C2SP tlog-witness).
type Witness struct {
	// URL is the submission prefix, without a slash at the end.
	URL string
	// VKey is the witness's verifier key, of type 0x04 (Ed25519).
	VKey string
}

const (
	witnessTimeout = 10 * time.Second
	// maxWitnessAnswer is far more than a witness's few signature lines.
	maxWitnessAnswer = 16 << 10
)

// Cosign asks every witness that has not cosigned the newest checkpoint to do
// so, and keeps what it answers once verified. A witness that is down is one of
// the errors returned and does not keep the others from being asked.
// ErrRollback means that a witness has seen a larger log than there is.
func (l *Log) Cosign(ctx context.Context) error {
	c, ok, err := l.cfg.Store.LatestCheckpoint(ctx)
	if err != nil || !ok {
		return err
	}
	c.Cosignatures = l.genuine(&c)
	var all error
	for _, w := range l.cfg.Witnesses {
		key, err := newCosigner(w.VKey)
		if err != nil {
			return err
		}
		if c.cosignedBy(key) {
			continue
		}
		lines, err := l.askWitness(ctx, w, key, &c)
		if err != nil {
			all = errors.Join(all, fmt.Errorf("evidence: witness %s: %w", key.name, l.breakOn(err)))
			continue
		}
		if err := l.cfg.Store.Annotate(ctx, c.Size, Annotation{Cosignatures: lines}); err != nil {
			return err
		}
	}
	return all
}

func (c *Checkpoint) cosignedBy(key *cosigner) bool {
	n, err := note.Open(c.Cosigned(), note.VerifierList(key))
	return err == nil && len(n.Sigs) > 0
}

// askWitness submits c. The witness says from which size it wants to see
// consistency: a process that does not remember begins with zero, as the
// protocol allows.
func (l *Log) askWitness(ctx context.Context, w Witness, key *cosigner, c *Checkpoint) ([]string, error) {
	l.mu.Lock()
	old := min(l.witnessed[w.VKey], c.Size)
	l.mu.Unlock()
	for range 3 { // the second knows the size; a third when another node was between
		answer, err := l.addCheckpoint(ctx, w.URL, old, c)
		if err != nil {
			return nil, err
		}
		if answer.status == http.StatusOK {
			l.mu.Lock()
			l.witnessed[w.VKey] = c.Size
			l.mu.Unlock()
			return cosignatures(answer.body, key, c)
		}
		size, err := parseDecimal(strings.TrimSuffix(answer.body, "\n"))
		switch {
		case answer.status != http.StatusConflict || err != nil:
			return nil, fmt.Errorf("it answered %d", answer.status)
		case size > c.Size:
			return nil, l.seenMore(ctx, size)
		case size == old && size == c.Size:
			return nil, fmt.Errorf("%w: it knows another root of %d entries", ErrTampered, size)
		}
		old = size
	}
	return nil, errors.New("it keeps changing its mind about the size")
}

// seenMore tells whether the log really has fewer entries than a witness saw, or
// has grown since the question was put.
func (l *Log) seenMore(ctx context.Context, size int64) error {
	head, err := l.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	if head.Size < size {
		return fmt.Errorf("%w: the witness has seen %d entries, there are %d", ErrRollback, size, head.Size)
	}
	return nil
}

// genuine returns the cosignatures of a checkpoint as far as they have the form of one,
// and hold where a witness of this log is said to have made them. One line that is
// none would spoil the note for whoever reads it.
func (l *Log) genuine(c *Checkpoint) []string {
	known := make([]note.Verifier, 0, len(l.cfg.Witnesses))
	for _, w := range l.cfg.Witnesses {
		if key, err := newCosigner(w.VKey); err == nil { // New has seen to it
			known = append(known, key)
		}
	}
	var out []string
	for _, line := range c.Cosignatures {
		if isCosignature(c.Note, line, note.VerifierList(known...)) {
			out = append(out, line)
		}
	}
	return out
}

// isCosignature tells whether a line can stand under a note: it is one signature
// line, and no false one of those that are known.
func isCosignature(msg []byte, line string, known note.Verifiers) bool {
	_, err := note.Open(append(bytes.Clone(msg), line...), known)
	var unverified *note.UnverifiedNoteError
	return strings.Count(line, "\n") == 1 && (err == nil || errors.As(err, &unverified))
}

type witnessAnswer struct {
	status int
	body   string
}

// addCheckpoint sends one add-checkpoint request.
func (l *Log) addCheckpoint(ctx context.Context, url string, old int64, c *Checkpoint) (witnessAnswer, error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	if old > 0 && old < c.Size {
		proof, err := tlog.ProveTree(c.Size, old, l.hashes(ctx))
		if err != nil {
			return witnessAnswer{}, err
		}
		for _, h := range proof {
			fmt.Fprintf(&body, "%s\n", h)
		}
	}
	body.WriteByte('\n')
	body.Write(c.Note)
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/add-checkpoint", &body)
	if err != nil {
		return witnessAnswer{}, err
	}
	resp, err := l.cfg.HTTPClient.Do(req)
	if err != nil {
		return witnessAnswer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxWitnessAnswer+1))
	if err != nil {
		return witnessAnswer{}, err
	}
	if len(text) > maxWitnessAnswer {
		return witnessAnswer{}, fmt.Errorf("an answer of more than %d bytes", maxWitnessAnswer)
	}
	return witnessAnswer{resp.StatusCode, string(text)}, nil
}

// cosignatures returns the signature lines of the answer that the witness's key
// has made over c; lines of other keys are ignored, as the protocol asks.
func cosignatures(body string, key *cosigner, c *Checkpoint) ([]string, error) {
	n, err := note.Open(append(bytes.Clone(c.Note), body...), note.VerifierList(key))
	if err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(n.Sigs))
	for _, sig := range n.Sigs {
		lines = append(lines, fmt.Sprintf("— %s %s\n", sig.Name, sig.Base64))
	}
	return lines, nil
}

// Cosignature is what a witness says of a checkpoint: that by its own clock it
// had seen it at Time, and no other tree of that size.
type Cosignature struct {
	Name string
	Time time.Time // UTC, whole seconds
}

// VerifyCosignatures returns what the given witnesses (vkeys of type 0x04) say of
// the checkpoint, in the order of the keys; those that say nothing are left out.
// It returns an error for a signature that claims to be of one of them and does
// not hold.
func VerifyCosignatures(msg []byte, vkeys []string) ([]Cosignature, error) {
	if len(msg) > maxNote {
		return nil, ErrCheckpoint
	}
	var found []Cosignature
	for _, vkey := range vkeys {
		key, err := newCosigner(vkey)
		if err != nil {
			return nil, err
		}
		n, err := note.Open(msg, note.VerifierList(key))
		var unverified *note.UnverifiedNoteError
		if errors.As(err, &unverified) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("evidence: witness %s: %w", key.name, err)
		}
		at, err := cosignedAt(n.Sigs[0])
		if err != nil {
			return nil, fmt.Errorf("evidence: witness %s: %w", key.name, err)
		}
		found = append(found, Cosignature{Name: key.name, Time: at})
	}
	return found, nil
}

// cosignedAt reads the time in a signature that has been verified: eight bytes
// behind the four of the key's id.
func cosignedAt(sig note.Signature) (time.Time, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil || len(raw) < 12 {
		return time.Time{}, errors.New("not a cosignature")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), nil
}
