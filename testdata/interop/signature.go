package main

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// signature is a signature or document timestamp as it stands in the bytes
// of a PDF. It is found by its ByteRange alone, without a PDF parser and
// without any code of Absah, so that a mistake there cannot hide here.
type signature struct {
	ranges    [4]int
	der       []byte // CMS, without the padding
	timestamp bool   // a document timestamp
	value     []byte // signature value of the only signer
	token     []byte // DER of the signature timestamp; nil if there is none
}

var (
	byteRange     = regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]`)
	oidTSTInfo    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidTimestamp  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	errTwoSigners = fmt.Errorf("not exactly one SignerInfo")
)

// findSignatures returns the signatures of a PDF in the order of the
// revisions they sign.
func findSignatures(pdf []byte) ([]signature, error) {
	var found []signature
	seen := map[string]bool{}
	for _, m := range byteRange.FindAllSubmatch(pdf, -1) {
		if seen[string(m[0])] {
			continue
		}
		seen[string(m[0])] = true
		var s signature
		for i := range s.ranges {
			n, err := strconv.Atoi(string(m[i+1]))
			if err != nil {
				return nil, err
			}
			s.ranges[i] = n
		}
		if err := s.read(pdf); err != nil {
			return nil, fmt.Errorf("%s: %w", m[0], err)
		}
		found = append(found, s)
	}
	return found, nil
}

// read takes the CMS from the gap between the two ranges.
func (s *signature) read(pdf []byte) error {
	from, to := s.ranges[1], s.ranges[2]
	if s.ranges[0] != 0 || from >= to || to+s.ranges[3] > len(pdf) {
		return fmt.Errorf("ranges do not fit the file of %d bytes", len(pdf))
	}
	gap := pdf[from:to]
	if gap[0] != '<' || gap[len(gap)-1] != '>' {
		return fmt.Errorf("the gap is not one hexadecimal string")
	}
	der := make([]byte, hex.DecodedLen(len(gap)-2))
	if _, err := hex.Decode(der, gap[1:len(gap)-1]); err != nil {
		return err
	}
	var outer asn1.RawValue
	padding, err := asn1.Unmarshal(der, &outer)
	if err != nil {
		return err
	}
	if len(bytes.Trim(padding, "\x00")) != 0 {
		return fmt.Errorf("padding is not zero")
	}
	s.der = outer.FullBytes
	return s.parse()
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue
	Encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version   int
	ID        asn1.RawValue
	Digest    asn1.RawValue
	Signed    asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm asn1.RawValue
	Value     []byte
	Unsigned  []attribute `asn1:"optional,set,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

func (s *signature) parse() error {
	var info contentInfo
	if _, err := asn1.Unmarshal(s.der, &info); err != nil {
		return fmt.Errorf("ContentInfo: %w", err)
	}
	var data signedData
	if _, err := asn1.Unmarshal(info.Content.Bytes, &data); err != nil {
		return fmt.Errorf("SignedData: %w", err)
	}
	if len(data.Signers) != 1 {
		return errTwoSigners
	}
	signer := data.Signers[0]
	s.timestamp = data.Encapsulated.Type.Equal(oidTSTInfo)
	s.value = signer.Value
	for _, a := range signer.Unsigned {
		if a.Type.Equal(oidTimestamp) && len(a.Values) > 0 {
			s.token = a.Values[0].FullBytes
		}
	}
	return nil
}

// signed returns the bytes that the signature covers.
func (s *signature) signed(pdf []byte) []byte {
	r := s.ranges
	return append(bytes.Clone(pdf[r[0]:r[0]+r[1]]), pdf[r[2]:r[2]+r[3]]...)
}
