package evidence

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
)

// KindLogKey is the kind of the event in which an old log key names its
// successor. Its Detail has the key statement under "statement".
const KindLogKey = "log.key"

// maxSuccessors bounds a chain of key statements: a key a year lasts longer than
// the log.
const maxSuccessors = 64

var (
	// ErrNoSuccessor says that the key of the log was changed and the old one
	// has not signed the new one into the log: who trusts the old key could
	// follow no further.
	ErrNoSuccessor = errors.New("evidence: the last key of the log has not named this one as its successor")
	// ErrNotCurrent refuses a roll-over from a key that is not the last one in
	// use.
	ErrNotCurrent = errors.New("evidence: the last checkpoint is not signed by the key that is to be followed")
)

// RollOverID returns the operation that the event of a roll-over to newVKey has:
// a UUID of version 8 (RFC 9562 §5.8) made of its digest, so that the event is
// found by the key, and nobody need search the log for it. Its first 48 bits are
// zero: among identifiers of version 7, which begin with the time, it comes
// before all.
func RollOverID(origin, newVKey string) string {
	sum := sha256Of([]byte(headerKey + "\n" + origin + "\n" + newVKey + "\n"))
	id := sum[:16]
	clear(id[:6])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// RollOver makes the event in which old, the last key of the log, names this
// log's key as its successor. r says who did it and when; organisation, actor,
// node and time are taken from it. Whoever calls it appends the entry, on one
// node and once: RollOverID says whether it is there already.
//
// The vkey of old must be among Config.PastKeys. RollOver returns ErrNotCurrent
// when the last checkpoint is by another key.
func (l *Log) RollOver(ctx context.Context, r Record, old crypto.Signer) (Entry, Receipt, error) {
	k, err := newNoteKey(l.cfg.Origin, old)
	switch {
	case err != nil:
		return Entry{}, Receipt{}, err
	case k.vkey == l.key.vkey:
		return Entry{}, Receipt{}, errors.New("evidence: the key of the log is to follow itself")
	case !slices.Contains(l.logKeys, k.vkey):
		return Entry{}, Receipt{}, fmt.Errorf("evidence: %s is not among the past keys", k.vkey)
	}
	latest, ok, err := l.cfg.Store.LatestCheckpoint(ctx)
	if err != nil {
		return Entry{}, Receipt{}, err
	}
	if _, err := VerifyCheckpoint(latest.Note, l.cfg.Origin, []string{k.vkey}); ok && err != nil {
		return Entry{}, Receipt{}, ErrNotCurrent
	}
	statement, err := KeyStatement(l.cfg.Origin, old, l.key.vkey)
	if err != nil {
		return Entry{}, Receipt{}, err
	}
	return l.NewEntry(Record{
		Organisation: r.Organisation, Actor: r.Actor, Node: r.Node, Time: r.Time,
		Operation: RollOverID(l.cfg.Origin, l.key.vkey), Phase: PhaseEvent, Kind: KindLogKey,
		Result: Result{Status: StatusOK}, Detail: map[string]string{"statement": string(statement)},
	})
}

// Successors returns the key statements on record that lead to the key which
// signs now, oldest first; none when it is the log's first.
func (l *Log) Successors(ctx context.Context) ([][]byte, error) {
	var chain [][]byte
	seen := map[string]bool{}
	for vkey := l.key.vkey; len(chain) < maxSuccessors && !seen[vkey]; {
		seen[vkey] = true
		statement, by, err := l.statementOn(ctx, vkey)
		if err != nil {
			return nil, err
		}
		if statement == nil {
			break
		}
		chain, vkey = append(chain, statement), by
	}
	slices.Reverse(chain)
	return chain, nil
}

// statementOn looks for the statement by which one of the log's keys names vkey
// its successor, and says which key that was; nil when there is none. Whoever can
// write to the database can put other statements there: they are passed over.
func (l *Log) statementOn(ctx context.Context, vkey string) (statement []byte, by string, err error) {
	entries, err := l.cfg.Store.EntriesOf(ctx, RollOverID(l.cfg.Origin, vkey))
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		r, err := ParseRecord(e.Record)
		if err != nil || r.Kind != KindLogKey {
			continue
		}
		msg := []byte(r.Detail["statement"])
		for _, past := range l.logKeys {
			if next, err := VerifyKeyStatement(msg, l.cfg.Origin, []string{past}); err == nil && next == vkey && past != vkey {
				return msg, past, nil
			}
		}
	}
	return nil, "", nil
}

// succeeds checks that the key of this log has signed the last checkpoint, or was
// named as the successor of the one that did.
func (l *Log) succeeds(ctx context.Context, latest []byte) error {
	vkey := l.key.vkey
	for range maxSuccessors {
		if _, err := VerifyCheckpoint(latest, l.cfg.Origin, []string{vkey}); err == nil {
			return nil
		}
		statement, by, err := l.statementOn(ctx, vkey)
		if err != nil {
			return err
		}
		if statement == nil {
			break
		}
		vkey = by
	}
	return ErrNoSuccessor
}
