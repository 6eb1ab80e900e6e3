package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
)

// client is an application that asks for signatures over connections that it
// keeps.
type client struct {
	http   *http.Client
	url    string
	header http.Header
	bodies [][]byte // a worker sends the one of its number, round and round
	size   int      // of the document in them
}

// signBody is the part "request" of a signing request.
type signBody struct {
	Signer     string `json:"signer"`
	Passphrase string `json:"passphrase,omitempty"`
	Level      string `json:"level"`
}

// newClient reads the document and the API key. With passphrases its requests
// are signatures by those signers, otherwise seals.
func (t *task) newClient() (*client, error) {
	document, err := os.ReadFile(t.in)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(t.key)
	if err != nil {
		return nil, err
	}
	c := &client{url: t.url + "/v1/seal", size: len(document)}
	c.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: t.clients, DisableCompression: true}, Timeout: 5 * time.Minute}
	requests := []signBody{{Signer: sealID, Level: "B-B"}}
	if t.signers != "" {
		c.url, requests = t.url+"/v1/sign", nil
		for _, s := range strings.Split(t.signers, ",") {
			id, passphrase, _ := strings.Cut(s, "=")
			requests = append(requests, signBody{Signer: id, Passphrase: passphrase, Level: "B-B"})
		}
	}
	var kind string
	for _, r := range requests {
		var body []byte
		if kind, body, err = form(document, r); err != nil {
			return nil, err
		}
		c.bodies = append(c.bodies, body)
	}
	c.header = http.Header{"Content-Type": {kind}, "Authorization": {"Bearer " + strings.TrimSpace(string(key))}}
	return c, nil
}

// form makes the body of a signing request; all have the same boundary.
func form(document []byte, request signBody) (kind string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary("absah-bench-4711"); err != nil {
		return "", nil, err
	}
	asked, err := json.Marshal(request)
	if err != nil {
		return "", nil, err
	}
	for _, part := range []struct {
		name    string
		content []byte
	}{{"document", document}, {"request", asked}} {
		p, err := w.CreateFormField(part.name)
		if err != nil {
			return "", nil, err
		}
		if _, err := p.Write(part.content); err != nil {
			return "", nil, err
		}
	}
	err = w.Close()
	return w.FormDataContentType(), b.Bytes(), err
}

// errBusy says that the gateway asks to be left alone for a while.
var errBusy = errors.New("the gateway is busy")

// sign asks until the gateway is not too busy, which counts as waiting.
func (c *client) sign(ctx context.Context, worker int, answer io.Writer) error {
	for {
		err := c.once(ctx, worker, answer)
		if !errors.Is(err, errBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// once asks once. The answer must be the whole document with something
// appended, and have a receipt.
func (c *client) once(ctx context.Context, worker int, answer io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(c.bodies[worker%len(c.bodies)]))
	if err != nil {
		return err
	}
	req.Header = c.header
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		return errBusy
	}
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("%s: %s", resp.Status, said)
	}
	n, err := io.Copy(answer, resp.Body)
	if err == nil && (n != resp.ContentLength || n <= int64(c.size) || resp.Header.Get("Absah-Receipt") == "") {
		err = errors.New("the answer is no signed document with a receipt")
	}
	return err
}

// throughHTTP measures requests to a gateway that runs elsewhere. The answer to
// the first goes to t.out when that is set.
func (t *task) throughHTTP(ctx context.Context) (r result, err error) {
	c, err := t.newClient()
	if err != nil {
		return r, err
	}
	if t.out != "" {
		var first bytes.Buffer
		if err := errors.Join(c.sign(ctx, 0, &first), os.WriteFile(t.out, first.Bytes(), 0o600)); err != nil {
			return r, err
		}
	}
	return t.rate(func(w int) error { return c.sign(ctx, w, io.Discard) })
}
