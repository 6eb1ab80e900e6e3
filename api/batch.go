package api

import (
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/absah-id/absah/gateway"
)

// batchParallel is how many documents of one batch are worked on at once: enough
// that they share commits and keep the HSM busy while one of them waits, few
// enough that the batches and single letters of others come in between.
const batchParallel = 4

// batch signs many documents under one activation or with a seal. The answer
// is multipart/mixed, with a part for each document in the order of the
// request: the document, or a problem. Documents that were signed stay signed
// whatever becomes of the others.
func (s *Server) batch(c *gin.Context) error {
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	var request signBody
	defer request.wipe()
	b, err := s.batchBody(c, caller, &request)
	if err != nil {
		return err
	}
	defer b.Close()
	req, err := s.signRequest(c, &request)
	if err != nil {
		return err
	}
	req.Batch = requestID(c)
	w := multipart.NewWriter(steady{c.Writer})
	c.Header("Content-Type", "multipart/mixed; boundary="+w.Boundary())
	c.Status(http.StatusOK)
	work := s.startBatch(c.Request.Context(), caller, b, req)
	defer work.end() // before the documents go
	for i := range b.documents {
		if err := s.batchPart(c, w, "<"+strconv.Itoa(i)+">", b.documents[i], work.result(i)); err != nil {
			panic(http.ErrAbortHandler)
		}
		c.Writer.Flush()
	}
	return w.Close()
}

// batchBody receives the documents of a batch and what is asked for them.
func (s *Server) batchBody(c *gin.Context, caller gateway.Caller, request *signBody) (*body, error) {
	b, err := s.receive(c, signing(caller), maxParts)
	if err != nil {
		return nil, err
	}
	switch {
	case len(b.documents) == 0:
		err = invalid("The part document is missing.", nil)
	case b.request == nil:
		err = invalid("The part request is missing.", nil)
	default:
		err = decode(b.request, request)
	}
	if err == nil && len(request.Passphrase) > 0 {
		err = invalid("A batch is signed under an activation, or sealed: activate its documents first.", nil)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// batchWork is the documents of a batch being worked on.
type batchWork struct {
	server   *Server
	ctx      context.Context // of the request; it ends with end
	cancel   context.CancelFunc
	caller   string // identifier of the application, whose share it is
	acts     []func(context.Context) (*gateway.Release, error)
	results  []chan batchResult // by document, each with room for one
	parallel int
	started  int
	running  sync.WaitGroup
}

type batchResult struct {
	release *gateway.Release
	err     error
}

// startBatch begins with the first documents. The others follow as results are
// taken, so that a client that does not read holds up its own batch, and what has
// been made and not sent is a few tails.
func (s *Server) startBatch(ctx context.Context, caller gateway.Caller, b *body, request gateway.SignRequest) *batchWork {
	w := &batchWork{server: s, caller: caller.Application.ID, parallel: min(batchParallel, s.signing.share)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	seen := map[[32]byte]bool{}
	for i, u := range b.documents {
		req := request
		if req.IdempotencyKey != "" {
			req.IdempotencyKey += "/" + strconv.Itoa(i)
		}
		act := s.cfg.Gateway.Sign
		if req.Activation == "" {
			act = s.cfg.Gateway.Seal
		}
		w.acts = append(w.acts, func(ctx context.Context) (*gateway.Release, error) { return act(ctx, caller, b.upload(i), req) })
		w.results = append(w.results, make(chan batchResult, 1))
		if seen[u.SHA256] || req.Document != "" {
			w.parallel = 1 // what becomes of one depends on those before it
		}
		seen[u.SHA256] = true
	}
	for range min(w.parallel, len(w.acts)) {
		w.next()
	}
	return w
}

// next begins with one more document.
func (w *batchWork) next() {
	i := w.started
	w.started++
	w.running.Go(func() {
		var r batchResult
		defer func() {
			if v := recover(); v != nil { // here nobody above would
				w.server.cfg.Logger.ErrorContext(w.ctx, "panic", "cause", v, "stack", string(debug.Stack()))
				r = batchResult{err: errors.New("panic")}
			}
			w.results[i] <- r
		}()
		r.release, r.err = inTurn(w.ctx, w.server.signing, w.caller, func() (*gateway.Release, error) { return w.acts[i](w.ctx) })
	})
}

// result waits for that of a document; they are taken in order, each once.
func (w *batchWork) result(i int) batchResult {
	r := <-w.results[i]
	if w.started < len(w.acts) {
		w.next()
	}
	return r
}

// end begins with no more documents, and returns when none is worked on.
func (w *batchWork) end() {
	w.cancel()
	w.running.Wait()
}

func (s *Server) batchPart(c *gin.Context, w *multipart.Writer, contentID string, in *upload, result batchResult) error {
	if result.err != nil {
		e, p := s.describe(c, result.err)
		h := textproto.MIMEHeader{"Content-Type": {typeProblem}, "Content-Id": {contentID}}
		if e.Retry > 0 {
			h.Set("Retry-After", seconds(e.Retry))
		}
		part, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		return json.NewEncoder(part).Encode(p)
	}
	r := result.release
	h := textproto.MIMEHeader(releaseHeader(r))
	h.Set("Content-Id", contentID)
	h.Set("Content-Length", strconv.FormatInt(r.Size, 10))
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	return writeRelease(part, in, r)
}
