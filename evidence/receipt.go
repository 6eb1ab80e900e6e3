package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	// Note is the receipt as it is handed out: a signed note over the above or,
	// behind the same text, over a list with its digest.
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

// headerReceipts is the first line of a note that stands for several receipts:
// one signature over the SHA-256 of each. So many requests at once cost the key
// as much as one, and a receipt says nothing of the others, whose texts hold the
// unpredictable leaf.
const headerReceipts = "absah/receipts/1"

// maxReceipts is how many share a signature at most: what a header of HTTP can
// hold beside others.
const maxReceipts = 16

// receiptsText is the signed part of such a note. digests are 32 bytes each.
func receiptsText(origin, keyID string, digests []byte) string {
	text := []byte(headerReceipts + "\n" + origin + "\n" + keyID + "\n")
	for d := range slices.Chunk(digests, sha256.Size) {
		text = append(hex.AppendEncode(text, d), '\n')
	}
	return string(text)
}

// signReceipts sets Entry.Receipt of all: key id and signature and, when there
// are several, the list that was signed.
func signReceipts(origin string, k *noteKey, entries []*Entry) error {
	id := keyID(k.KeyHash())
	text := receiptText(origin, id, entries[0])
	var digests []byte
	if len(entries) > 1 {
		for _, e := range entries {
			sum := sha256Of([]byte(receiptText(origin, id, e)))
			digests = append(digests, sum[:]...)
		}
		text = receiptsText(origin, id, digests)
	}
	sig, err := k.Sign([]byte(text))
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.Receipt = slices.Concat(binary.BigEndian.AppendUint32(nil, k.KeyHash()), sig, digests)
	}
	return nil
}

// signedReceipt is Entry.Receipt taken apart.
type signedReceipt struct {
	key     []byte // its hash in four bytes, and the signature, as a note has them
	digests []byte // of all that share the signature; none: it is over the receipt itself
}

func splitReceipt(b []byte) (s signedReceipt, ok bool) {
	const alone = 4 + ed25519.SignatureSize
	s.key = b[:min(len(b), alone)]
	s.digests = b[len(s.key):]
	n := len(s.digests) / sha256.Size
	return s, len(b) > 4 && len(s.digests)%sha256.Size == 0 && (n == 0 || n > 1 && n <= maxReceipts)
}

func keyID(hash uint32) string { return fmt.Sprintf("%08x", hash) }

// text is what was signed as the receipt of e. It returns an error when that is a
// list without e.
func (s signedReceipt) text(origin string, e *Entry) (string, error) {
	id := keyID(binary.BigEndian.Uint32(s.key))
	text := receiptText(origin, id, e)
	if len(s.digests) == 0 {
		return text, nil
	}
	sum := sha256Of([]byte(text))
	for d := range slices.Chunk(s.digests, sha256.Size) {
		if string(d) == string(sum[:]) {
			return receiptsText(origin, id, s.digests), nil
		}
	}
	return "", errors.New("the receipt is not on the list that was signed")
}

// ReceiptOf returns the receipt of an entry that carries one; the zero Receipt
// and false when it carries none, as intents do. It does not verify.
func ReceiptOf(origin string, e Entry) (Receipt, bool) {
	signed, ok := splitReceipt(e.Receipt)
	if !ok || e.Phase == PhaseIntent {
		return Receipt{}, false
	}
	id := keyID(binary.BigEndian.Uint32(signed.key))
	msg := receiptText(origin, id, &e)
	if len(signed.digests) > 0 {
		msg += "\n" + receiptsText(origin, id, signed.digests)
	}
	msg += fmt.Sprintf("\n— %s %s\n", ReceiptName(origin), base64.StdEncoding.EncodeToString(signed.key))
	return Receipt{
		Origin: origin, KeyID: id, Operation: e.Operation, Phase: e.Phase, Kind: e.Kind, Leaf: e.Leaf,
		Time: e.Time, Promise: e.Promise, Note: []byte(msg),
	}, true
}

// VerifyReceipt reads a receipt that one of the given keys has signed, alone or
// with others. The keys are vkeys under ReceiptName of the log's origin.
func VerifyReceipt(msg []byte, vkeys []string) (Receipt, error) {
	text, signed, shared := strings.Cut(string(msg), "\n\n"+headerReceipts+"\n")
	text, signed = text+"\n", headerReceipts+"\n"+signed
	if !shared {
		signed = string(msg)
	}
	n, err := openNote([]byte(signed), vkeys)
	if err != nil {
		return Receipt{}, err
	}
	if !shared {
		text = n.Text
	}
	r, err := parseReceiptText(text)
	if err != nil {
		return Receipt{}, err
	}
	if n.Sigs[0].Name != ReceiptName(r.Origin) || keyID(n.Sigs[0].Hash) != r.KeyID || shared && !listed(n.Text, text, r) {
		return Receipt{}, errReceipt
	}
	r.Note = msg
	return r, nil
}

// listed tells whether list is a signed list of receipts of r's log and key, and
// has the digest of text, which says r.
func listed(list, text string, r Receipt) bool {
	lines := strings.Split(list, "\n")
	if len(lines) < 3+2+1 || len(lines) > 3+maxReceipts+1 {
		return false
	}
	lines = lines[3 : len(lines)-1]
	digests, err := hex.DecodeString(strings.Join(lines, ""))
	sum := sha256Of([]byte(text))
	return err == nil && receiptsText(r.Origin, r.KeyID, digests) == list && slices.Contains(lines, hex.EncodeToString(sum[:]))
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
// Only the nodes of a log can verify what an intent carries.
func checkReceipt(names []logName, e *Entry) error {
	if e.Phase == PhaseIntent {
		if len(e.Receipt) != 0 && len(e.Receipt) != macSize {
			return errors.New("what the intent carries is no MAC")
		}
		return nil
	}
	signed, ok := splitReceipt(e.Receipt)
	if !ok {
		return errors.New("the entry has no receipt")
	}
	hash := binary.BigEndian.Uint32(signed.key)
	err := fmt.Errorf("receipt by an unknown key %s", keyID(hash))
	for _, n := range names {
		for _, v := range n.receipts {
			if v.KeyHash() != hash {
				continue
			}
			var text string
			if text, err = signed.text(n.origin, e); err != nil {
				continue
			}
			if v.Verify([]byte(text), signed.key[4:]) {
				return nil
			}
			err = errors.New("the receipt's signature does not hold")
		}
	}
	return err
}
