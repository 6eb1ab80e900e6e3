package evidence

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// logName is an origin that a log has or had, with the keys of that time.
type logName struct {
	origin   string
	logKeys  []string
	receipts []note.Verifier
}

// logNames sorts vkeys by the names that the log has, the present one first. A
// key is of receipts when its name is that of receipts of an origin.
func logNames(origin string, vkeys []string) ([]logName, error) {
	names := []logName{{origin: origin}}
	find := func(origin string) *logName {
		for i := range names {
			if names[i].origin == origin {
				return &names[i]
			}
		}
		names = append(names, logName{origin: origin})
		return &names[len(names)-1]
	}
	for _, vkey := range vkeys {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("evidence: key %q: %w", vkey, err)
		}
		if of, ok := strings.CutSuffix(v.Name(), ReceiptName("")); ok {
			n := find(of)
			n.receipts = append(n.receipts, v)
		} else {
			n := find(v.Name())
			n.logKeys = append(n.logKeys, vkey)
		}
	}
	return names, nil
}

// verifyHistory returns the head of a checkpoint that the log has signed, under
// the name that it has or one that it had.
func verifyHistory(msg []byte, names []logName) (head Head, err error) {
	first := ErrCheckpoint
	for i, n := range names {
		if len(n.logKeys) == 0 {
			continue
		}
		head, err := VerifyCheckpoint(msg, n.origin, n.logKeys)
		if err == nil {
			return head, nil
		}
		if i == 0 {
			first = err
		}
	}
	return Head{}, first
}

// receiptOrigin returns the name that the log had when it signed the entry's
// receipt: the key's id tells.
func receiptOrigin(names []logName, e *Entry) string {
	if len(e.Receipt) >= 4 {
		id := binary.BigEndian.Uint32(e.Receipt)
		for _, n := range names {
			for _, v := range n.receipts {
				if v.KeyHash() == id {
					return n.origin
				}
			}
		}
	}
	return names[0].origin
}

// CheckpointOrigin returns the name under which a checkpoint was signed, without
// verifying it.
func CheckpointOrigin(msg []byte) string {
	origin, _, _ := strings.Cut(string(msg), "\n")
	return origin
}
