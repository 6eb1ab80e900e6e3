package evidence

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KindCheckpoints is the kind of the event that lists checkpoints, timestamps and
// cosignatures which are there: who takes one of them away later contradicts it. The
// list is the event's one artefact, of kind ArtefactCheckpoints.
const (
	KindCheckpoints     = "log.checkpoints"
	ArtefactCheckpoints = "checkpoints"
)

// What of a checkpoint is listed.
const (
	PublishedNote        = "note"        // Checkpoint.Note
	PublishedToken       = "token"       // Annotation.Token, with Material
	PublishedCosignature = "cosignature" // one of Annotation.Cosignatures
)

// Published is something about a checkpoint that others may rely on.
type Published struct {
	What   string // PublishedNote, PublishedToken or PublishedCosignature
	Size   int64  // of the checkpoint
	SHA256 [32]byte
}

// NotePublished, TokenPublished and CosignaturePublished say what is listed of a
// checkpoint.
func NotePublished(size int64, note []byte) Published {
	return Published{PublishedNote, size, sha256Of(note)}
}

// TokenPublished is NotePublished of a timestamp and what it is verified with:
// material is the digests of Annotation.Material, one after the other.
func TokenPublished(size int64, token, material []byte) Published {
	return Published{PublishedToken, size, sha256Of(token, material)}
}

// CosignaturePublished is NotePublished of a witness's line.
func CosignaturePublished(size int64, line string) Published {
	return Published{PublishedCosignature, size, sha256Of([]byte(line))}
}

// MarshalPublished writes a list: what, size and SHA-256 of each, one a line.
func MarshalPublished(list []Published) []byte {
	var b bytes.Buffer
	for _, p := range list {
		fmt.Fprintf(&b, "%s %d %x\n", p.What, p.Size, p.SHA256)
	}
	return b.Bytes()
}

// ParsePublished reads what MarshalPublished wrote, and nothing else.
func ParsePublished(b []byte) ([]Published, error) {
	var list []Published
	for line := range strings.Lines(string(b)) {
		var p Published
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, errPublished
		}
		size, err := parseDecimal(fields[1])
		sum, err2 := hex.DecodeString(fields[2])
		if errors.Join(err, err2) != nil || len(sum) != 32 {
			return nil, errPublished
		}
		p = Published{fields[0], size, [32]byte(sum)}
		if p.What != PublishedNote && p.What != PublishedToken && p.What != PublishedCosignature {
			return nil, errPublished
		}
		list = append(list, p)
	}
	if !bytes.Equal(MarshalPublished(list), b) {
		return nil, errPublished
	}
	return list, nil
}

var errPublished = errors.New("evidence: not a list of checkpoints")
