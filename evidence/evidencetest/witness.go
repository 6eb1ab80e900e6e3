package evidencetest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/evidence"
)

// Witness is a C2SP tlog-witness for one log: an http.Handler for
// /add-checkpoint.
type Witness struct {
	Name    string
	Key     ed25519.PrivateKey
	Origin  string           // of the log
	LogKeys []string         // vkeys of the log
	Clock   func() time.Time // nil means time.Now

	mu   sync.Mutex
	head evidence.Head
	// requests counts the requests, guarded by mu.
	requests int
}

// VKey returns the witness's verifier key.
func (w *Witness) VKey() string {
	raw := append([]byte{4}, w.Key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("%s+%08x+%s", w.Name, w.keyHash(raw), base64.StdEncoding.EncodeToString(raw))
}

func (w *Witness) keyHash(raw []byte) uint32 {
	sum := sha256.Sum256(append([]byte(w.Name+"\n"), raw...))
	return binary.BigEndian.Uint32(sum[:])
}

// Requests returns how many requests came.
func (w *Witness) Requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

// ServeHTTP answers add-checkpoint with the statuses that the protocol names.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		http.Error(rw, "bad request", http.StatusBadRequest)
		return
	}
	top, msg, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(top), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if !ok || err != nil {
		http.Error(rw, "bad request", http.StatusBadRequest)
		return
	}
	head, err := evidence.VerifyCheckpoint(msg, w.Origin, w.LogKeys)
	if err != nil {
		http.Error(rw, "forbidden", http.StatusForbidden)
		return
	}
	if old != w.head.Size || old == head.Size && head.Root != w.head.Root {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", w.head.Size)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			http.Error(rw, "bad request", http.StatusBadRequest)
			return
		}
		proof = append(proof, h)
	}
	if old > 0 && old < head.Size && tlog.CheckTree(proof, head.Size, head.Root, old, w.head.Root) != nil {
		http.Error(rw, "not consistent", http.StatusUnprocessableEntity)
		return
	}
	w.head = head
	text, _, _ := bytes.Cut(msg, []byte("\n\n"))
	fmt.Fprint(rw, w.cosign(string(text)+"\n"))
}

// cosign returns the signature line of a cosignature/v1.
func (w *Witness) cosign(text string) string {
	clock := w.Clock
	if clock == nil {
		clock = time.Now
	}
	at := uint64(clock().Unix())
	raw := append([]byte{4}, w.Key.Public().(ed25519.PublicKey)...)
	sig := binary.BigEndian.AppendUint32(nil, w.keyHash(raw))
	sig = binary.BigEndian.AppendUint64(sig, at)
	sig = append(sig, ed25519.Sign(w.Key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))...)
	return fmt.Sprintf("— %s %s\n", w.Name, base64.StdEncoding.EncodeToString(sig))
}
