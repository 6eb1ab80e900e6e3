package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pki/lab"
	"github.com/absah-id/absah/testdata"
)

// Names that the demo gives.
const (
	demoOrganisation = "kabupaten-contoh"
	demoOffice       = "Pemerintah Kabupaten Contoh"
	demoApplication  = "e-office"
	demoAddress      = "127.0.0.1:8080"
)

// demoConfig is the configuration of the demo's gateway: what is said twice, or
// is none of a demo's business, keeps its default.
const demoConfig = `# Written by "absah demo"; docs/CONFIGURATION.md explains every key.
organisation: {id: %s, name: %s}
server: {listen: %q, public_url: %q}
admin: {listen: "off"}
database: {url: "sqlite:absah.db"}
hsm: {module: %q, token: %s, pin_file: pin, environment: [%q]}
keys:
  seals: [{id: %s, key: %s, certificate: seal.pem}]
trust: {signers: [trust.pem]}
timestamps: {sources: [{url: %q}]}
revocation: {allow: [%q]}
verification: {report_seal: %s}
cases: {place: Contoh, signatory: Kepala Dinas Contoh, recipients: [{name: Bupati Contoh}, {name: Kepala Badan Contoh}]}
evidence: {origin: kabupaten-contoh.example/log, interval: 200ms, stamp: 0s}
limits: {anonymous: 600}
log: {level: warn, format: text}
`

// startGateway writes the configuration, makes the keys that the gateway
// needs, and serves it.
func (d *demo) startGateway(ctx context.Context) (string, error) {
	address, err := d.address()
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(demoConfig, demoOrganisation, demoOffice, address, "http://"+address, d.softHSM, demoToken,
		"SOFTHSM2_CONF="+d.path("softhsm2.conf"), demoSeal, demoSeal, d.pki.TSAURL(), d.pki.Addr(), demoSeal)
	if err := writeFile(d.path("absah.yaml"), []byte(text), 0o644); err != nil {
		return "", err
	}
	cfg, err := loadConfig(d.path("absah.yaml"))
	if err != nil {
		return "", err
	}
	if err := makeOwnKeys(ctx, io.Discard, d.module, cfg); err != nil {
		return "", err
	}
	// The gateway has a worker process of its own.
	if err := d.module.Close(); err != nil {
		return "", err
	}
	d.module = nil
	if d.gateway, err = openService(ctx, cfg, newLogger(os.Stderr, cfg.Log)); err != nil {
		return "", err
	}
	if err := d.gateway.openPublic(ctx); err != nil {
		return "", err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.served = make(chan error, 1)
	d.stop = stop
	go func() { d.served <- d.gateway.serve(serving) }()
	return "serving on " + d.url(), d.waitUntilServed(ctx)
}

// address is where the gateway listens: as asked for, or the usual place, or
// any when that is taken or nobody will look.
func (d *demo) address() (string, error) {
	wanted := d.listen
	if wanted == "" && !d.once {
		wanted = demoAddress
	}
	if wanted == "" {
		wanted = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", wanted)
	if err != nil && d.listen == "" {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", usageErrorf("--listen: %v", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (d *demo) url() string { return "http://" + d.gateway.cfg.Server.Listen }

// waitUntilServed asks until the gateway answers or has failed.
func (d *demo) waitUntilServed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, _, err := d.call(ctx, http.MethodGet, "/healthz", "", nil); err == nil {
			return nil
		}
		select {
		case err := <-d.served:
			d.served <- nil
			return errors.Join(errors.New("the gateway ended"), err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// call asks the gateway as the application does.
func (d *demo) call(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url()+path, body)
	if err != nil {
		return nil, nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	return b, resp.Header, nil
}

// makeApplication registers the application whose key is in api-key.
func (d *demo) makeApplication(ctx context.Context) (string, error) {
	if key, err := readSecret(d.path("api-key")); err == nil {
		d.key = string(key)
		if _, _, err := d.call(ctx, http.MethodGet, "/v1/signers", "", nil); err == nil {
			return "found " + demoApplication, nil
		}
	}
	now := time.Now().UTC()
	policy := gateway.Policy{
		Signers: []string{"*"}, Levels: []string{"B-B", "B-T", "B-LT", "B-LTA"}, Fallback: true, RatePerMinute: 1_000_000,
	}
	a := gateway.NewApplication(demoOrganisation, demoApplication, gateway.RoleApplication, policy, now)
	key, credential := gateway.NewKey(demoOrganisation, a.ID, now, time.Time{})
	if err := d.gateway.gateway.AddApplication(ctx, d.gateway.operator(), a, credential); err != nil {
		return "", err
	}
	d.key = key
	return "made " + demoApplication + " with an API key", writeFile(d.path("api-key"), []byte(key+"\n"), 0o600)
}

// demoSigner is an entry of signers.json. Paths are relative to the folder.
type demoSigner struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Passphrase  string `json:"passphraseFile"`
	Certificate string `json:"certificate"`

	file, office, nik string
}

// The numbers belong to nobody: no region has the code 00.
var demoSigners = []demoSigner{
	{file: "bupati", Name: "Bupati Contoh", office: "Bupati Contoh", nik: "0000000000000001"},
	{file: "sekda", Name: "Sekretaris Daerah Contoh", office: "Sekretaris Daerah", nik: "0000000000000002"},
}

// makeSigners enrols two officials. Their keys are generated in the module and
// kept in the database, each sealed under its owner's passphrase.
func (d *demo) makeSigners(ctx context.Context) (string, error) {
	if err := os.MkdirAll(d.path("signers"), 0o700); err != nil {
		return "", &outputError{err}
	}
	var known []demoSigner
	if b, err := readSmall(d.path("signers.json")); err == nil {
		if err := json.Unmarshal(b, &known); err != nil {
			return "", usageErrorf("%s: %v", d.path("signers.json"), err)
		}
	}
	said := "found"
	for i, s := range demoSigners {
		s.Passphrase, s.Certificate = "signers/"+s.file+".passphrase", "signers/"+s.file+".pem"
		if i < len(known) && d.enrolled(ctx, known[i]) {
			s.ID = known[i].ID
		} else {
			said = "enrolled"
			if err := d.enrol(ctx, &s); err != nil {
				return "", fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		d.signers = append(d.signers, s)
	}
	b, err := json.MarshalIndent(d.signers, "", "  ")
	if err != nil {
		return "", err
	}
	said = fmt.Sprintf("%s %d, each with a key sealed under a passphrase", said, len(d.signers))
	return said, writeFile(d.path("signers.json"), append(b, '\n'), 0o644)
}

// enrolled says whether the gateway knows a signer of an earlier run.
func (d *demo) enrolled(ctx context.Context, s demoSigner) bool {
	_, keys, err := d.gateway.gateway.SignerOf(ctx, d.gateway.operator(), s.ID)
	return err == nil && lastDay(keys) > time.Now().Format(time.DateOnly)
}

// enrol does what an office and its PSrE do.
func (d *demo) enrol(ctx context.Context, s *demoSigner) error {
	if err := d.makeSecret(s.Passphrase); err != nil {
		return err
	}
	passphrase, err := readSecret(d.path(s.Passphrase))
	if err != nil {
		return err
	}
	g, operator := d.gateway.gateway, d.gateway.operator()
	signer, request, err := g.Enrol(ctx, operator, d.gateway.keys, gateway.Enrolment{
		Name: s.Name, Office: s.office, NIK: s.nik, Subject: demoSubject(s.Name), Algorithm: hsm.RSA2048.String(), Passphrase: passphrase,
	})
	if err != nil {
		return err
	}
	leaf, chain, err := d.pki.IssueCSR(request, lab.IssueOptions{})
	if err != nil {
		return err
	}
	s.ID = signer.ID
	if err := writeChain(d.path(s.Certificate), leaf, chain); err != nil {
		return err
	}
	return g.InstallCertificate(ctx, operator, signer.ID, leaf, chain)
}

// signLetter registers the sample letter, and has the Bupati sign it to B-LTA
// over HTTP, as an e-office application does.
func (d *demo) signLetter(ctx context.Context) (string, error) {
	registered, _, err := d.call(ctx, http.MethodPost, "/v1/documents", "application/json", strings.NewReader(
		`{"nomor":"500.12.6/147/2026","perihal":"Penerapan Tanda Tangan Elektronik pada Naskah Dinas","tanggal":"2026-01-02","pages":1}`))
	if err != nil {
		return "", err
	}
	var document struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(registered, &document); err != nil {
		return "", err
	}
	bupati := d.signers[0]
	passphrase, err := readSecret(d.path(bupati.Passphrase))
	if err != nil {
		return "", err
	}
	request, err := json.Marshal(map[string]any{
		"signer": bupati.ID, "passphrase": string(passphrase), "level": "B-LTA", "document": document.ID,
		"reason": "Naskah dinas resmi", "location": "Kabupaten Contoh",
		"visible": map[string]any{"page": "first", "x": 341, "y": 133, "width": 190, "height": 56, "name": bupati.Name},
	})
	if err != nil {
		return "", err
	}
	kind, body, err := form(testdata.Letter, request)
	if err != nil {
		return "", err
	}
	signed, header, err := d.call(ctx, http.MethodPost, "/v1/sign", kind, body)
	if err != nil {
		return "", err
	}
	d.operation = header.Get("Absah-Operation")
	return fmt.Sprintf("signed to PAdES-BASELINE-%s: %d + %d bytes", strings.TrimPrefix(header.Get("Absah-Level"), "B-"), len(testdata.Letter), len(signed)-len(testdata.Letter)),
		writeFile(d.path("signed.pdf"), signed, 0o644)
}

// fetchEvidence has the gateway bundle what settles a dispute about the letter.
func (d *demo) fetchEvidence(ctx context.Context) (string, error) {
	b, _, err := d.call(ctx, http.MethodGet, "/v1/operations/"+d.operation+"/evidence", "", nil)
	if err != nil {
		return "", err
	}
	logKey, receiptKey := d.gateway.log.Keys()
	return fmt.Sprintf("evidence.zip: %d bytes that need neither gateway nor network", len(b)), errors.Join(
		writeFile(d.path("evidence.zip"), b, 0o644),
		writeFile(d.path("log-keys.txt"), []byte(logKey+"\n"+receiptKey+"\n"), 0o644))
}

// form makes the body of a signing request.
func form(document, request []byte) (kind string, body *bytes.Buffer, err error) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for _, part := range []struct {
		name    string
		content []byte
	}{{"document", document}, {"request", request}} {
		p, err := w.CreateFormField(part.name)
		if err != nil {
			return "", nil, err
		}
		if _, err := p.Write(part.content); err != nil {
			return "", nil, err
		}
	}
	return w.FormDataContentType(), body, w.Close()
}
