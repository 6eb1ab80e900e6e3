package differential

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Class is a verdict reduced to what a reader would do on it.
type Class string

// The classes.
const (
	Accepts Class = "accepts"
	Rejects Class = "rejects"
	Unsure  Class = "cannot tell"
)

// Opinion is what a verifier thinks of one signature.
type Opinion struct {
	// Integrity is about the bytes, Trust about the signer.
	Integrity, Trust Class
	// Why is the verifier's own words, for people.
	Why string
}

// Verdict is what a verifier thinks of a file.
type Verdict struct {
	// Signatures holds an Opinion for each signature, by the full name of its
	// field; one without a name is about every signature that is not listed.
	// Document timestamps are not in it: they are compared by what they do to
	// the signatures.
	Signatures map[string]Opinion
	// Why says why there are no signatures; empty when there are.
	Why string
}

// of is the opinion of a field's signature.
func (v Verdict) of(field string) Opinion {
	for _, name := range []string{field, ""} {
		if o, ok := v.Signatures[name]; ok {
			return o
		}
	}
	why := v.Why
	if why == "" {
		why = "does not list the signature"
	}
	return Opinion{Unsure, Unsure, why}
}

// absahVerdict is the part of schema absah/verdict/1 that is compared.
type absahVerdict struct {
	Schema     string
	Verdict    string
	Signatures []struct {
		Field, Type               string
		Indication, SubIndication string
		Intact                    bool
		Reasons                   []struct{ Code, Text string }
		Changes                   struct{ Level string }
	}
	Warnings []string
}

// ParseAbsah reads one line of `absah verify --json`.
func ParseAbsah(line []byte) (Verdict, error) {
	var in absahVerdict
	if err := json.Unmarshal(line, &in); err != nil {
		return Verdict{}, err
	}
	if in.Schema != "absah/verdict/1" {
		return Verdict{}, fmt.Errorf("schema %q", in.Schema)
	}
	v := Verdict{Signatures: map[string]Opinion{}}
	for _, s := range in.Signatures {
		if s.Type != "signature" {
			continue
		}
		words := []string{s.Indication, s.SubIndication}
		for _, r := range s.Reasons {
			words = append(words, r.Code)
		}
		whole := s.Intact && s.SubIndication != "FORMAT_FAILURE" && s.Changes.Level != "ANNOTATION" && s.Changes.Level != "OTHER"
		v.Signatures[s.Field] = Opinion{
			Integrity: integrity(whole, s.Intact, s.Indication),
			Trust:     trust(s.Indication),
			Why:       strings.Join(strings.Fields(strings.Join(words, " ")), " "),
		}
	}
	if len(v.Signatures) == 0 {
		v.Why = strings.Join(append([]string{in.Verdict}, in.Warnings...), " ")
	}
	return v, nil
}

// Signature is what the batch judges answer of one signature.
type Signature struct {
	// Field is the full name of its form field.
	Field string `json:"field"`
	// Indication and SubIndication are those of EN 319 102-1 §5.1.4, or ERROR.
	Indication    string `json:"indication"`
	SubIndication string `json:"subIndication"`
	// Intact says that digest, signature value and signature dictionary hold.
	Intact bool `json:"intact"`
	// Changes says which later changes the judge does not allow; empty for
	// none.
	Changes string `json:"changes"`
	// Detail is why the signature is not good.
	Detail string `json:"detail"`
}

// OfJudge makes a Verdict of a batch judge's answer. why is what the judge
// said of the file, for one in which it found no signature.
func OfJudge(signatures []Signature, why string) Verdict {
	v := Verdict{Signatures: map[string]Opinion{}}
	for _, s := range signatures {
		whole := s.Intact && s.SubIndication != "FORMAT_FAILURE" && s.Changes == ""
		v.Signatures[s.Field] = Opinion{
			Integrity: integrity(whole, s.Intact, s.Indication),
			Trust:     trust(s.Indication),
			Why:       strings.Join(strings.Fields(strings.Join([]string{s.Indication, s.SubIndication, s.Changes, s.Detail}, " ")), " "),
		}
	}
	if len(v.Signatures) == 0 {
		v.Why = why
	}
	return v
}

// integrity tells apart a signature that was found broken or changed from one
// that could not be checked to the end.
func integrity(whole, intact bool, indication string) Class {
	switch {
	case whole:
		return Accepts
	case intact || trust(indication) == Rejects:
		return Rejects
	}
	return Unsure
}

func trust(indication string) Class {
	switch indication {
	case "TOTAL-PASSED", "TOTAL_PASSED", "PASSED":
		return Accepts
	case "TOTAL-FAILED", "TOTAL_FAILED", "FAILED":
		return Rejects
	}
	return Unsure
}
