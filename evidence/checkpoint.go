package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrCheckpoint refuses a note that is no checkpoint of the log in question.
var ErrCheckpoint = errors.New("evidence: not a checkpoint of this log")

// checkpointText is the signed part of a checkpoint (C2SP tlog-checkpoint):
// origin, size, root, without extension lines. The same tree always gives the
// same text.
func checkpointText(origin string, h Head) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, h.Size, h.Root)
}

// VerifyCheckpoint returns the head that a checkpoint states, when at least one
// of the log's given keys has signed it.
func VerifyCheckpoint(msg []byte, origin string, vkeys []string) (Head, error) {
	n, err := openNote(msg, vkeys)
	if err != nil {
		return Head{}, err
	}
	if n.Sigs[0].Name != origin {
		return Head{}, ErrCheckpoint
	}
	return parseCheckpointText(n.Text, origin)
}

func parseCheckpointText(text, origin string) (Head, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] != origin {
		return Head{}, ErrCheckpoint
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return Head{}, ErrCheckpoint
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Head{}, ErrCheckpoint
	}
	return Head{size, root}, nil
}

// maxTree is the largest size of a tree. It is far beyond what can be, and
// keeps arithmetic with stored hash indexes away from overflow.
const maxTree = 1 << 50

// parseDecimal reads a size or an index without leading zeroes.
func parseDecimal(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxTree || strconv.FormatInt(n, 10) != s {
		return 0, errors.New("not a number")
	}
	return n, nil
}

// parseHash reads base64 in its one spelling; tlog.ParseHash accepts others.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || strings.ContainsAny(s, "\r\n") {
		return tlog.Hash{}, errors.New("not a hash")
	}
	return tlog.Hash(b), nil
}

// Cosigned returns the checkpoint's note with the witnesses' signatures behind
// the log's own.
func (c *Checkpoint) Cosigned() []byte {
	out := append([]byte(nil), c.Note...)
	for _, line := range c.Cosignatures {
		out = append(out, line...)
	}
	return out
}

func sha256Of(parts ...[]byte) [32]byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return [32]byte(h.Sum(nil))
}
