package bundle_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/evidence/bundle"
)

// judged is what one of the two verifiers says of a bundle: "refused" when it is
// no bundle.
func (w *world) judged(t *testing.T, c content) string {
	t.Helper()
	b := c.zip(t)
	r, err := bundle.Verify(bytes.NewReader(b), int64(len(b)), w.options())
	var unreadable *bundle.UnreadableError
	switch {
	case errors.As(err, &unreadable):
		return string(bundle.Fails)
	case err != nil:
		t.Fatal(err)
	}
	if stateOf(r, "script") != "" && len(r.Failed()) == 0 { // no script says that of itself
		return "script " + string(r.Verdict)
	}
	return string(r.Verdict)
}

// agree holds both verifiers to one verdict, and returns it.
func (w *world) agree(t *testing.T, path, keys string, c content) string {
	t.Helper()
	program := w.judged(t, c)
	status, states, out := script(t, path, c.unpack(t), nil, "-k", keys, "-t", w.anchor)
	said := map[int]string{0: "holds", 1: "fails", 2: "unproven"}[status]
	if said != program {
		b := c.zip(t)
		r, _ := bundle.Verify(bytes.NewReader(b), int64(len(b)), w.options())
		for _, s := range r.Statements {
			if string(s.State) != states[s.ID] {
				t.Logf("%s: Verify %s (%s), the script %s", s.ID, s.State, s.Text, states[s.ID])
			}
		}
		t.Errorf("Verify says %s, the script %s (%d)\n%s", program, said, status, out)
	}
	return program
}

// TestTrailingBytes: bytes behind a token, a signature, a response or a list, and
// between and inside the blocks of a path, are refused by both verifiers alike. What
// is behind a response or a list makes it say nothing.
func TestTrailingBytes(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	keys := keyFile(t, w.keys...)
	if got := w.agree(t, path, keys, good); got != "holds" {
		t.Fatalf("as it is: %s", got)
	}
	tails := map[string][]byte{
		"a zero": {0}, "an end of contents": {0, 0}, "a NULL": {5, 0}, "a SEQUENCE": {0x30, 0x03, 0x02, 0x01, 0x01}, "text": []byte("palsu"), "a line": []byte("\n"),
	}
	kinds := slices.Sorted(maps.Keys(tails))
	count := 0
	for _, name := range good.names {
		data := good.data[name]
		der := strings.HasSuffix(name, ".tst") || strings.HasSuffix(name, ".ocsp") || strings.HasSuffix(name, ".crl") || strings.HasSuffix(name, ".der")
		note := strings.HasSuffix(name, ".note") || strings.HasSuffix(name, ".tlog-proof") || name == "SHA256SUMS" || strings.HasSuffix(name, ".txt") && strings.HasPrefix(name, "log/")
		if der || note || strings.HasSuffix(name, ".pem") {
			count++ // all kinds in turn: the script takes a second for each
			what := kinds[count%len(kinds)]
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				c := good.with(name, append(bytes.Clone(data), tails[what]...))
				got := w.agree(t, path, keys, c)
				if got == "holds" && !strings.HasPrefix(name, "revocation/") && name != "log/keys.txt" { // another may say the same; the caller has named keys
					t.Errorf("%s behind it, and it holds", what)
				}
			})
		}
		if !strings.HasSuffix(name, ".pem") {
			continue
		}
		for what, c := range hiddenInPath(t, data) {
			if name != "signature/signer.pem" && what != "text between" {
				continue // the same code reads all
			}
			count++
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				if got := w.agree(t, path, keys, good.with(name, c)); got == "holds" {
					t.Error("it holds")
				}
			})
		}
	}
	t.Logf("%d bundles", count)
}

// hiddenInPath returns a path with something in it that a lenient reader passes over.
func hiddenInPath(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	first, rest := pem.Decode(data)
	if first == nil {
		t.Fatal("no PEM")
	}
	own := pem.EncodeToMemory(first)
	longer := pem.EncodeToMemory(&pem.Block{Type: first.Type, Bytes: append(bytes.Clone(first.Bytes), 0, 0)})
	headers := pem.EncodeToMemory(&pem.Block{Type: first.Type, Headers: map[string]string{"Palsu": "ya"}, Bytes: first.Bytes})
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("palsu")})
	return map[string][]byte{
		"text before":          append([]byte("palsu\n"), data...),
		"text between":         slices.Concat(own, []byte("palsu\n"), rest),
		"a blank line between": slices.Concat(own, []byte("\n"), rest),
		"spaces between":       slices.Concat(own, []byte("  \n"), rest),
		"another block":        slices.Concat(own, key, rest),
		"bytes in the block":   slices.Concat(longer, rest),
		"headers":              slices.Concat(headers, rest),
		"carriage returns":     bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")),
		"wrapped otherwise":    bytes.Replace(data, []byte("\n"), []byte("\n\n"), 1),
		"trusted certificate":  bytes.ReplaceAll(data, []byte(" CERTIFICATE-"), []byte(" X509 CERTIFICATE-")),
		"first one twice":      slices.Concat(own, data),
	}
}

// mutantsWanted is how many bundles TestAgree makes that nobody has seen before.
var mutantsWanted = flag.Int("mutants", 0, "how many bundles TestAgree changes anywhere, each time others; 0: a few, the same each time")

// TestAgree changes bundles in all ways that come to mind: bytes are flipped,
// inserted, taken out, repeated and exchanged, files left out, exchanged, doubled
// under another number; with the old list of digests or a new one. Script and program
// come to the same verdict, but for what only one of them can see: what the script
// itself and the instructions say, which the program compares with its own.
//
// Every run makes the same few changes, of files that are text: what is found by
// chance must not be found in a run about something else. Hunting for more, in DER
// too: go test ./evidence/bundle -run TestAgree -mutants 500.
func TestAgree(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	keys := keyFile(t, w.keys...)
	seed, n, mutable := uint64(1), 12, isText
	if *mutantsWanted > 0 {
		seed, n, mutable = rand.Uint64(), *mutantsWanted, func(string) bool { return true }
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		what, c := mutate(r, good, mutable)
		t.Run(fmt.Sprintf("%d %s", i, what), func(t *testing.T) {
			t.Parallel()
			w.agree(t, path, keys, c)
		})
	}
}

// isText tells whether a file of a bundle is lines of text, which both verifiers read
// by themselves; of the rest OpenSSL and Go are the readers.
func isText(name string) bool {
	return name == "SHA256SUMS" || strings.HasSuffix(name, ".txt") || strings.HasSuffix(name, ".note") || strings.HasSuffix(name, ".tlog-proof") || strings.HasSuffix(name, ".json")
}

// mutate changes one thing in a bundle, in one of the files that are mutable, and
// says what.
func mutate(r *rand.Rand, good content, mutable func(name string) bool) (what string, c content) {
	var names []string // the script must run, and cannot judge what it is itself
	for _, n := range good.names {
		if n != "verify.sh" && n != "README.txt" && mutable(n) {
			names = append(names, n)
		}
	}
	name := names[r.IntN(len(names))]
	other := names[r.IntN(len(names))]
	if r.IntN(6) == 0 {
		return mutateFiles(r, good, name, other)
	}
	data := bytes.Clone(good.data[name])
	at := r.IntN(len(data))
	if r.IntN(3) == 0 { // the ends are where readers are lenient
		at = []int{0, len(data) - 1}[r.IntN(2)]
	}
	n := min(1+r.IntN(8), len(data)-at)
	switch r.IntN(7) {
	case 0:
		data[at] ^= 1 << r.IntN(8)
		what = "bit"
	case 1:
		data = slices.Insert(data, at, byte(r.IntN(256)))
		what = "insert"
	case 2:
		data = slices.Insert(data, at, []byte("\n")...)
		what = "newline"
	case 3:
		data = slices.Delete(data, at, at+n)
		what = "delete"
	case 4:
		data = slices.Insert(data, at, bytes.Clone(data[at:at+n])...)
		what = "repeat"
	case 5:
		to := r.IntN(len(data))
		data[at], data[to] = data[to], data[at]
		what = "exchange"
	case 6:
		lines := bytes.SplitAfter(data, []byte("\n"))
		i, j := r.IntN(len(lines)), r.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
		data = bytes.Join(lines, nil)
		what = "lines"
	}
	c = good.with(name, data)
	if r.IntN(8) == 0 && name != "SHA256SUMS" {
		c = c.with("SHA256SUMS", good.data["SHA256SUMS"])
		what += ", old digests"
	}
	return fmt.Sprintf("%s at %d of %s", what, at, name), c
}

// mutateFiles changes which files there are.
func mutateFiles(r *rand.Rand, good content, name, other string) (string, content) {
	if name == "SHA256SUMS" || other == "SHA256SUMS" {
		name, other = "log/keys.txt", "log/origin.txt"
	}
	switch r.IntN(4) {
	case 0:
		return "without " + name, good.with(name, nil)
	case 1:
		return "without " + name + ", old digests", good.with(name, nil).with("SHA256SUMS", good.data["SHA256SUMS"])
	case 2:
		return name + " and " + other + " exchanged", good.with(name, good.data[other]).with(other, good.data[name])
	}
	more := []string{"signature/timestamp-2.tst", "signature/timestamp-2.pem", "document/timestamp-3.tst", "log/successor-1.note", "entries/3/record.json", "revocation/90.ocsp", "report/report.xml", "log/extra.txt"}
	as := more[r.IntN(len(more))]
	return name + " also as " + as, good.plus(as, good.data[name])
}

// TestLenientForms: forms that a tool of the shell would take, and no bundle has.
func TestLenientForms(t *testing.T) {
	path := tools(t)
	w, in := complete(t)
	in.Document, in.ByteRange = nil, [4]int64{}
	good := unzip(t, write(t, in))
	keys := keyFile(t, w.keys...)
	sums := good.data["SHA256SUMS"]
	first, rest, _ := bytes.Cut(sums, []byte("\n"))
	of := func(name string, change func([]byte) []byte) content {
		return good.with(name, change(bytes.Clone(good.data[name])))
	}
	insert := func(s string) func([]byte) []byte {
		return func(b []byte) []byte { // behind the first line
			head, tail, _ := bytes.Cut(b, []byte("\n"))
			return slices.Concat(head, []byte("\n"+s), tail)
		}
	}
	behind := func(s string) func([]byte) []byte { return func(b []byte) []byte { return append(b, s...) } }
	hidden := good.plus("log/.palsu", []byte("x"))
	long := fmt.Sprintf("— %s AAAA%s\n", origin, strings.Repeat("A", 60000))
	for name, tt := range map[string]struct {
		c    content
		want string
	}{
		"digests: a comment":                          {good.with("SHA256SUMS", slices.Concat([]byte("# palsu\n"), sums)), "fails"},
		"digests: of binary files":                    {good.with("SHA256SUMS", bytes.ReplaceAll(sums, []byte("  "), []byte(" *"))), "fails"},
		"digests: in capitals":                        {good.with("SHA256SUMS", slices.Concat(bytes.ToUpper(first[:64]), first[64:], []byte("\n"), rest)), "fails"},
		"digests: a line twice":                       {good.with("SHA256SUMS", slices.Concat(first, []byte("\n"), sums)), "fails"},
		"digests: by another way":                     {good.with("SHA256SUMS", bytes.Replace(sums, []byte("  log/"), []byte("  log/../log/"), 1)), "fails"},
		"digests: ends of lines":                      {good.with("SHA256SUMS", bytes.ReplaceAll(sums, []byte("\n"), []byte("\r\n"))), "fails"},
		"digests: no end":                             {good.with("SHA256SUMS", bytes.TrimSuffix(sums, []byte("\n"))), "fails"},
		"a hidden file":                               {hidden, "fails"},
		"checkpoint: what is no signature":            {of("log/checkpoint.note", behind("— saksi.example palsu\n")), "fails"},
		"checkpoint: a stranger's signature":          {of("log/checkpoint.note", behind("— saksi.example AAAAAAAA\n")), "fails"},
		"earlier checkpoint: a name with +":           {of("log/earlier.note", behind("— saksi+example AAAAAAAA\n")), "fails"},
		"earlier checkpoint: a wide space":            {of("log/earlier.note", behind("— saksi\u2003example AAAAAAAA\n")), "fails"},
		"earlier checkpoint: not UTF-8":               {of("log/earlier.note", behind("— saksi\xff AAAAAAAA\n")), "fails"},
		"earlier checkpoint: signed by others":        {of("log/earlier.note", behind("— saksi.example AAAAAAAA\n")), "holds"},
		"earlier checkpoint: a name in other letters": {of("log/earlier.note", behind("— saksi-é AAAAAAAA\n")), "holds"},
		"earlier checkpoint: a long signature":        {of("log/earlier.note", behind(long)), "holds"},
		"earlier checkpoint: bits left over":          {of("log/earlier.note", leftOver), "fails"},
		"checkpoint: bits left over":                  {of("log/checkpoint.note", leftOver), "fails"},
		"consistency: bits left over":                 {of("log/consistency.txt", leftOver), "fails"},
		"proof: bits left over":                       {of("entries/1/proof.tlog-proof", leftOver), "fails"},
		"receipt: a second signature":                 {of("entries/2/receipt.note", behind("— saksi.example palsu\n")), "fails"},
		"consistency: a zero byte":                    {of("log/consistency.txt", insert("\x00")), "fails"},
		"proof: a zero byte":                          {of("entries/2/proof.tlog-proof", insert("\x00")), "fails"},
		"keys: one that is none":                      {of("log/keys.txt", behind("palsu\n")), "holds"}, // the caller has named them
		"keys: more than any log has":                 {of("log/keys.txt", behind(strings.Repeat("palsu\n", 70))), "fails"},
		"origin: an end of line":                      {of("log/origin.txt", func([]byte) []byte { return []byte(origin + "\r\n") }), "fails"},
		"algorithm: another":                          {of("signature/algorithm.txt", func([]byte) []byte { return []byte("ed25519\n") }), "fails"},
		"attributes of the timestamp":                 {good.with("signature/attributes.der", stampAttributes(t, good.data["signature/timestamp-1.tst"])), "fails"},
		"a timestamp twice":                           {good.plus("signature/timestamp-2.tst", good.data["signature/timestamp-1.tst"]).plus("signature/timestamp-2.pem", good.data["signature/timestamp-1.pem"]), "fails"},
		"a response in a longer form":                 {of("revocation/1.ocsp", longerLength), ""},
		"a path that is empty":                        {good.with("document/timestamp-1.pem", []byte{}), "fails"},
		"a path that is none":                         {good.with("document/timestamp-1.pem", []byte("3 1")), "fails"},
		"a token in a longer form":                    {of("log/timestamp.tst", longerLength), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := w.agree(t, path, keys, tt.c); got != tt.want && tt.want != "" {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// stampAttributes are the signed attributes of a token, as a SET.
func stampAttributes(t *testing.T, token []byte) []byte {
	t.Helper()
	sd, err := cms.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(sd.SignerInfos[0].RawSignedAttributes)
	out[0] = 0x31
	return out
}

// leftOver sets the last of the bits that base64 leaves over, of the last thing that
// ends with one "=": what it stands for is the same.
func leftOver(text []byte) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := bytes.LastIndex(text, []byte("=\n")) - 1
	text[at] = alphabet[strings.IndexByte(alphabet, text[at])|1]
	return text
}

// longerLength writes the length of the outermost object, of which it is told in two
// octets, in three.
func longerLength(der []byte) []byte {
	return slices.Concat(der[:1], []byte{0x83, 0}, der[2:])
}
