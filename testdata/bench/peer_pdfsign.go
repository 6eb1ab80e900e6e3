package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"io"
	"os"
	"time"

	"github.com/digitorus/pdf"
	"github.com/digitorus/pdfsign/sign"

	"github.com/absah-id/absah/testdata/interop/office"
)

// pdfsignPeer is digitorus/pdfsign with the same key and certificates.
type pdfsignPeer struct {
	office *office.Office
	pool   *pool
	signer *digestSigner
	chain  []*x509.Certificate
}

func openPDFSign(ctx context.Context, dir string) (*pdfsignPeer, error) {
	o, err := office.Attach(ctx, dir)
	if err != nil {
		return nil, err
	}
	id, err := o.Identity(ctx, label)
	if err != nil {
		return nil, err
	}
	p, err := openPool(o, inFlight)
	if err != nil {
		return nil, err
	}
	s, err := newDigestSigner(p, id.Certificate)
	if err != nil {
		return nil, err
	}
	chain := append([]*x509.Certificate{id.Certificate}, id.Chain...)
	return &pdfsignPeer{office: o, pool: p, signer: s, chain: chain}, o.Module.Close() // its worker's memory is not pdfsign's
}

func (p *pdfsignPeer) sign(in io.ReadSeeker, out io.Writer, reader *pdf.Reader, size int64) error {
	return sign.Sign(in, out, reader, size, sign.SignData{
		Signature:         sign.SignDataSignature{CertType: sign.ApprovalSignature, Info: sign.SignDataSignatureInfo{Date: time.Now()}},
		Signer:            p.signer,
		DigestAlgorithm:   crypto.SHA256,
		Certificate:       p.chain[0],
		CertificateChains: [][]*x509.Certificate{p.chain},
	})
}

func (t *task) pdfsign(ctx context.Context) (result, error) {
	p, err := openPDFSign(ctx, t.dir)
	if err != nil {
		return result{}, err
	}
	data, err := os.ReadFile(pdfPath(t.dir))
	if err != nil {
		return result{}, err
	}
	return t.rate(func(int) error {
		in := bytes.NewReader(data)
		reader, err := pdf.NewReader(in, int64(len(data)))
		if err != nil {
			return err
		}
		return p.sign(in, new(bytes.Buffer), reader, int64(len(data)))
	})
}

func (t *task) largePDFSign(ctx context.Context) (r result, err error) {
	p, err := openPDFSign(ctx, t.dir)
	if err != nil {
		return r, err
	}
	os.Remove(t.out)
	start := time.Now()
	in, err := os.Open(t.in)
	if err != nil {
		return r, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return r, err
	}
	reader, err := pdf.NewReader(in, info.Size())
	if err != nil {
		return r, err
	}
	out, err := os.Create(t.out)
	if err != nil {
		return r, err
	}
	defer out.Close()
	if err := p.sign(in, out, reader, info.Size()); err != nil {
		return r, err
	}
	r.Count, r.Elapsed = 1, time.Since(start)
	r.Memory, err = peakMemory("self")
	return r, err
}
