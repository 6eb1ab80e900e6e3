package evidence

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// headerReceipt is the first line of a receipt: no other note of ours begins
// like that, and Config refuses an origin that does.
const headerReceipt = "absah/receipt/1"

// Receipt is the log's promise that an entry exists and will be in the tree by a
// certain time. If it is not, the receipt proves that.
type Receipt struct {
	Origin    string
	KeyID     string // eight hexadecimal digits: the key hash of C2SP signed-note
	Operation string
	Phase     Phase
	Kind      string
	Leaf      [32]byte
	Time      time.Time
	Promise   time.Time
	// Note is the receipt as it is handed out: a signed note over the above.
	Note []byte
}

// errReceipt refuses a note that is signed and is no receipt.
var errReceipt = errors.New("evidence: not a receipt")

// receiptText is the signed part of a receipt, eight lines. Every field is free
// of newlines: operation, phase and kind by the rules of Record.
func receiptText(origin, keyID string, e *Entry) string {
	return strings.Join([]string{
		headerReceipt, origin, keyID, e.Operation, string(e.Phase) + " " + e.Kind, hex.EncodeToString(e.Leaf[:]),
		e.Time.UTC().Format(timeForm), e.Promise.UTC().Format(timeForm), "",
	}, "\n")
}

// signReceipt returns what Entry.Receipt holds.
func signReceipt(origin string, k *noteKey, e *Entry) ([]byte, error) {
	sig, err := k.Sign([]byte(receiptText(origin, keyID(k.KeyHash()), e)))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint32(nil, k.KeyHash()), sig...), nil
}

func keyID(hash uint32) string { return fmt.Sprintf("%08x", hash) }

// ReceiptOf returns the receipt of an entry that carries one; the zero Receipt
// and false when it carries none, as intents do. It does not verify.
func ReceiptOf(origin string, e Entry) (Receipt, bool) {
	if len(e.Receipt) < 5 {
		return Receipt{}, false
	}
	id := keyID(binary.BigEndian.Uint32(e.Receipt))
	msg := fmt.Sprintf("%s\n— %s %s\n", receiptText(origin, id, &e), ReceiptName(origin), base64.StdEncoding.EncodeToString(e.Receipt))
	return Receipt{
		Origin: origin, KeyID: id, Operation: e.Operation, Phase: e.Phase, Kind: e.Kind, Leaf: e.Leaf,
		Time: e.Time, Promise: e.Promise, Note: []byte(msg),
	}, true
}

// VerifyReceipt reads a receipt that one of the given keys has signed. The keys
// are vkeys under ReceiptName of the log's origin.
func VerifyReceipt(msg []byte, vkeys []string) (Receipt, error) {
	n, err := openNote(msg, vkeys)
	if err != nil {
		return Receipt{}, err
	}
	r, err := parseReceiptText(n.Text)
	if err != nil {
		return Receipt{}, err
	}
	if n.Sigs[0].Name != ReceiptName(r.Origin) || keyID(n.Sigs[0].Hash) != r.KeyID {
		return Receipt{}, errReceipt
	}
	r.Note = msg
	return r, nil
}

func parseReceiptText(text string) (Receipt, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 9 || lines[0] != headerReceipt {
		return Receipt{}, errReceipt
	}
	phase, kind, _ := strings.Cut(lines[4], " ")
	leaf, err := hex.DecodeString(lines[5])
	at, err2 := time.Parse(timeForm, lines[6])
	promise, err3 := time.Parse(timeForm, lines[7])
	if errors.Join(err, err2, err3) != nil || len(leaf) != 32 {
		return Receipt{}, errReceipt
	}
	r := Receipt{
		Origin: lines[1], KeyID: lines[2], Operation: lines[3], Phase: Phase(phase), Kind: kind,
		Leaf: [32]byte(leaf), Time: at, Promise: promise,
	}
	// Written anew it must be the same: one receipt has one spelling.
	e := Entry{Operation: r.Operation, Phase: r.Phase, Kind: r.Kind, Leaf: r.Leaf, Time: r.Time, Promise: r.Promise}
	if receiptText(r.Origin, r.KeyID, &e) != text {
		return Receipt{}, errReceipt
	}
	return r, nil
}

// checkReceipt verifies the receipt of an entry, row by row and without parsing.
func checkReceipt(origin string, known note.Verifiers, e *Entry) error {
	if e.Phase == PhaseIntent && e.Receipt == nil {
		return nil
	}
	if len(e.Receipt) < 5 {
		return errors.New("the entry has no receipt")
	}
	hash := binary.BigEndian.Uint32(e.Receipt)
	v, err := known.Verifier(ReceiptName(origin), hash)
	if err != nil {
		return fmt.Errorf("receipt by an unknown key %s", keyID(hash))
	}
	if !v.Verify([]byte(receiptText(origin, keyID(hash), e)), e.Receipt[4:]) {
		return errors.New("the receipt's signature does not hold")
	}
	return nil
}
