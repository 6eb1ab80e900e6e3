package fault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/absah-id/absah/testdata"
)

// document is what a client has received whole.
type document struct {
	operation     string
	seal          string
	input, output [32]byte
	receipt       []byte
	level         string
}

// request is a letter that shall be sealed once. With an idempotency key it is
// sent until that is certain.
type request struct {
	path   string // /v1/seal or /v1/sign
	fields map[string]string
	letter []byte
	sum    [32]byte
	key    string // "" for none

	sends int
	got   *document // the first answer
	over  bool      // no further sending will change anything
}

// ledger is what all clients know together.
type ledger struct {
	mu        sync.Mutex
	requests  map[[32]byte]*request // by input
	documents []*document
	fresh     []*document // of those, not yet looked up in the database
	proven    int         // of documents: so many have been proven
	asked     int         // requests for a signature, repeated ones too, but not those that are told to wait
	repeated  int         // answers to repeated requests
	unknown   int         // requests that ended with "perhaps signed"
	failing   bool        // the module fails: receipts cannot be signed either
	wrong     []string
}

func newLedger() *ledger { return &ledger{requests: map[[32]byte]*request{}} }

func (l *ledger) wrongf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wrong) < 20 {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

// fails tells whether the module fails.
func (l *ledger) fails() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failing
}

// fail notes that it does, or works again.
func (l *ledger) fail(does bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing = does
}

// report hands what went wrong to the test.
func (l *ledger) report(t *testing.T, when string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.wrong {
		t.Errorf("seed %d, %s: %s", *seed, when, w)
	}
	l.wrong = nil
}

// client is one e-office application server: one request after the other, all
// with a seal of its own, so that each signature of the spy can be told to be
// of one request.
type client struct {
	w      *world
	ledger *ledger
	seal   string
	rng    *rand.Rand
	http   *http.Client
	number int
	count  int
	open   []*request // with a key, and not over
}

// newClients makes the clients, which log what they get in one ledger.
func newClients(w *world, l *ledger, stream uint64) []*client {
	var all []*client
	for i, seal := range w.seals {
		all = append(all, &client{
			w: w, ledger: l, seal: seal, number: i, rng: rand.New(rand.NewPCG(*seed, stream<<16+uint64(i))),
			http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}, Timeout: patience},
		})
	}
	return all
}

// letter is the sample letter with an identifier that no other has.
func (c *client) letter() []byte {
	c.count++
	b := bytes.Clone(testdata.Letter)
	i := bytes.LastIndex(b, []byte("/ID ["))
	id := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %s", *seed, c.number, c.count, c.w.dir))
	copy(b[i+len("/ID [<"):], strings.ToUpper(hex.EncodeToString(id[:16])))
	return b
}

// enlarge gives a letter so many comments that it does not stay in memory.
func enlarge(letter []byte) []byte {
	i := bytes.LastIndex(letter, []byte("startxref"))
	comment := append(bytes.Repeat([]byte{'x'}, 70), '\n')
	comment[0] = '%'
	return slices.Concat(letter[:i], bytes.Repeat(comment, 6000), letter[i:])
}

// work sends requests to one of the addresses until ctx is done.
func (c *client) work(ctx context.Context, what load, urls ...string) {
	defer c.http.CloseIdleConnections()
	for ctx.Err() == nil {
		url := urls[c.rng.IntN(len(urls))]
		if c.rng.IntN(40) == 0 {
			c.verifyLarge(ctx, url)
		}
		if c.rng.IntN(25) == 0 {
			c.refused(ctx, url)
		}
		if len(c.open) > 0 && c.rng.IntN(2) == 0 {
			c.resume(ctx, url)
			continue
		}
		r := c.request(what)
		if r.key != "" && c.rng.IntN(8) == 0 {
			c.twice(ctx, r, url, urls[c.rng.IntN(len(urls))])
		} else {
			c.send(ctx, url, r)
		}
		if r.key != "" && !r.over {
			c.open = append(c.open, r)
		}
	}
}

// request makes a new request.
func (c *client) request(what load) *request {
	r := &request{path: "/v1/seal", letter: c.letter(), fields: map[string]string{"signer": c.seal, "level": "B-B"}}
	if what == largeFiles && c.number < 2 || c.rng.IntN(100) == 0 {
		r.letter = enlarge(r.letter)
	}
	switch {
	case what == stamped && c.rng.IntN(2) == 0, c.rng.IntN(20) == 0:
		r.fields["level"] = "B-T"
	case what == personal && c.number == 0:
		r.path = "/v1/sign"
		r.fields["signer"], r.fields["passphrase"] = c.w.signer, c.w.passphrase
	}
	r.sum = sha256.Sum256(r.letter)
	if c.rng.IntN(5) < 3 {
		r.key = fmt.Sprintf("%d-%d-%d", *seed, c.number, c.count)
	}
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.ledger.requests[r.sum] = r
	return r
}

// resume sends an earlier request again, and drops it when it is over.
func (c *client) resume(ctx context.Context, url string) {
	i := c.rng.IntN(len(c.open))
	r := c.open[i]
	c.send(ctx, url, r)
	if r.over {
		c.open = append(c.open[:i], c.open[i+1:]...)
	}
}

// twice sends a request twice at once.
func (c *client) twice(ctx context.Context, r *request, urls ...string) {
	var wg sync.WaitGroup
	for _, url := range urls {
		wg.Go(func() { c.send(ctx, url, r) })
	}
	wg.Wait()
}

// form is the body of a request.
func (r *request) form() (kind string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	m := multipart.NewWriter(body)
	fields, err := json.Marshal(r.fields)
	for _, part := range []struct {
		name    string
		content []byte
	}{{"document", r.letter}, {"request", fields}} {
		var w io.Writer
		if w, err = m.CreateFormField(part.name); err == nil {
			_, err = w.Write(part.content)
		}
	}
	if err = errors.Join(err, m.Close()); err != nil {
		panic(err) // memory only
	}
	return m.FormDataContentType(), body
}

// post sends a request and reads the answer. An error means that the gateway has
// gone away, or ctx has ended.
func (c *client) post(ctx context.Context, url string, r *request) (status int, h http.Header, answer []byte, err error) {
	kind, body := r.form()
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, url+r.path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+c.w.apiKey)
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, answer, err
}

// send asks for a signature and judges the answer.
func (c *client) send(ctx context.Context, url string, r *request) {
	c.ledger.mu.Lock()
	r.sends++
	c.ledger.asked++
	c.ledger.mu.Unlock()
	status, header, answer, err := c.post(ctx, url, r)
	var refused *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Op == "dial": // killed before
		c.ledger.mu.Lock()
		r.sends--
		c.ledger.asked--
		c.ledger.mu.Unlock()
		time.Sleep(time.Millisecond)
	case err != nil: // killed meanwhile
	case status == http.StatusOK:
		c.accept(r, header, answer)
	default:
		c.refusal(r, status, answer)
	}
}

// accept takes a document that came whole.
func (c *client) accept(r *request, h http.Header, answer []byte) {
	d := &document{operation: h.Get("Absah-Operation"), seal: r.fields["signer"], input: r.sum, output: sha256.Sum256(answer), level: h.Get("Absah-Level")}
	d.receipt, _ = base64.StdEncoding.DecodeString(h.Get("Absah-Receipt")) // verified later
	l := c.ledger
	if hex.EncodeToString(d.output[:]) != h.Get("Absah-SHA256") || !bytes.HasPrefix(answer, r.letter) || len(answer) < len(r.letter)+1000 {
		l.wrongf("%s: a document of %d bytes is not what the headers say", d.operation, len(answer))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.Get("Absah-Repeated") == "true" {
		l.repeated++
	}
	if r.key != "" && r.got != nil && (r.got.output != d.output || r.got.operation != d.operation || !bytes.Equal(r.got.receipt, d.receipt)) {
		l.wrong = append(l.wrong, fmt.Sprintf("%s and %s answer the same idempotency key differently", r.got.operation, d.operation))
	}
	if r.got == nil || r.key == "" {
		r.got = d
		l.documents, l.fresh = append(l.documents, d), append(l.fresh, d)
	}
	// One time in four the answer is asked for again, perhaps of a later process.
	r.over = r.key == "" || r.sends > 1 || c.rng.IntN(4) != 0
}

// problem is a problem document.
type problem struct {
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Operation string `json:"operation"`
}

// refusal judges an answer that is no document.
func (c *client) refusal(r *request, status int, answer []byte) {
	var p problem
	if err := json.Unmarshal(answer, &p); err != nil {
		c.ledger.wrongf("status %d without a problem document: %.200q", status, answer)
		return
	}
	l := c.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	switch p.Code {
	case "in-progress":
		if r.key == "" {
			l.wrong = append(l.wrong, "in progress, without an idempotency key")
		}
		l.asked-- // it is only asking how things stand
	case "outcome-unknown":
		l.unknown++
		r.over = true
		if r.key != "" && r.got != nil {
			l.wrong = append(l.wrong, fmt.Sprintf("%s was released, and its idempotency key says now that nobody knows", r.got.operation))
		}
	case "hsm-unavailable": // between two workers
		r.over = r.key == ""
	case "passphrase-wait": // attempts of processes that were killed still count
		if r.path != "/v1/sign" {
			l.wrong = append(l.wrong, "a seal waits for a passphrase")
		}
		r.over = true
	default:
		// Without a receipt there is no outcome, until the reconciler has been.
		if p.Code == "record-unavailable" && l.failing {
			r.over = r.key == ""
			return
		}
		l.wrong = append(l.wrong, fmt.Sprintf("%d %s: %s", status, p.Code, p.Detail))
		r.over = true
	}
}

// refused sends what must not be signed, which is put on record.
func (c *client) refused(ctx context.Context, url string) {
	r := &request{path: "/v1/seal", letter: []byte("%PDF-1.7\nnot one\n"), fields: map[string]string{"signer": c.seal, "level": "B-B"}}
	if status, _, answer, err := c.post(ctx, url, r); err == nil && status != http.StatusUnprocessableEntity && !c.ledger.fails() {
		c.ledger.wrongf("a broken document gets %d: %.300s", status, answer)
	}
}

// verifyLarge sends an upload that does not stay in memory.
func (c *client) verifyLarge(ctx context.Context, url string) {
	r := &request{path: "/v1/verify", letter: append(c.letter(), make([]byte, 400<<10)...), fields: map[string]string{}}
	if status, _, answer, err := c.post(ctx, url, r); err == nil && status != http.StatusOK && status != http.StatusUnprocessableEntity && !c.ledger.fails() {
		c.ledger.wrongf("a verification gets %d: %.300s", status, answer)
	}
}

// drain sends again what is not over, until everything is.
func (c *client) drain(ctx context.Context, url string) {
	for deadline := time.Now().Add(patience); len(c.open) > 0; {
		if time.Now().After(deadline) {
			c.ledger.wrongf("%d requests do not end, such as %q", len(c.open), c.open[0].key)
			c.open = nil
			return
		}
		before := len(c.open)
		c.resume(ctx, url)
		if len(c.open) == before {
			time.Sleep(100 * time.Millisecond) // in progress until the reconciler has been
		}
	}
}

func certificateRequest(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no certificate request: %.100q", text)
	}
	return block.Bytes
}
