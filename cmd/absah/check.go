package main

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/absah-id/absah/cms"
	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pdf/pades"
	"github.com/absah-id/absah/pki"
)

// checkLetter reads the signed letter back from disk and checks every
// signature and timestamp in it: digest, value, and path to the demo's root.
func (d *demo) checkLetter(context.Context) (string, error) {
	f, err := os.Open(d.path("signed.pdf"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	doc, err := pdf.Open(f, info.Size(), pdf.Options{})
	if err != nil {
		return "", err
	}
	found, err := pades.Signatures(doc)
	if err != nil {
		return "", err
	}
	count := map[pades.Kind]int{}
	for _, s := range found {
		if err := checkSignature(doc, s, d.pki.Anchors(), time.Now()); err != nil {
			return "", fmt.Errorf("%s: %w", s.Field, err)
		}
		count[s.Kind]++
	}
	if count[pades.KindSignature] == 0 || count[pades.KindDocTimestamp] == 0 {
		return "", fmt.Errorf("the letter holds %d signatures and %d timestamps", count[pades.KindSignature], count[pades.KindDocTimestamp])
	}
	return fmt.Sprintf("%d signature and %d document timestamp read back: digest, value and path to the root hold",
		count[pades.KindSignature], count[pades.KindDocTimestamp]), nil
}

// checkSignature recomputes one signature or document timestamp.
func checkSignature(doc *pdf.Document, s *pades.Signature, anchors *pki.Anchors, at time.Time) error {
	h := crypto.SHA256.New()
	if _, err := io.Copy(h, s.SignedReader(doc)); err != nil {
		return err
	}
	der, err := s.CMS()
	if err != nil {
		return err
	}
	if s.Kind == pades.KindDocTimestamp {
		token, err := tsp.ParseToken(der)
		if err != nil {
			return err
		}
		if err := token.Verify(crypto.SHA256, h.Sum(nil)); err != nil {
			return err
		}
		cert, err := token.Signer()
		if err != nil {
			return err
		}
		_, err = pki.Chain(cert, token.SignedData.Certificates(), anchors, at, pki.Timestamping)
		return err
	}
	sd, err := cms.Parse(der)
	if err != nil {
		return err
	}
	if len(sd.SignerInfos) != 1 {
		return fmt.Errorf("%d SignerInfos", len(sd.SignerInfos))
	}
	cert, err := sd.Signer(sd.SignerInfos[0])
	if err != nil {
		return err
	}
	if err := sd.SignerInfos[0].Verify(cert, h.Sum(nil)); err != nil {
		return err
	}
	_, err = pki.Chain(cert, sd.Certificates(), anchors, at, pki.Signing)
	return err
}
