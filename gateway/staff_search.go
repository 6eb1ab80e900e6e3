package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// SearchRequest asks for operations as people do: Signer and Application may
// be a name, or a part of one, as well as an identifier.
type SearchRequest struct{ OperationQuery }

// SearchResult is operations, or what a name may mean.
type SearchResult struct {
	Found
	// Candidates are the signers or applications that a name may mean, when it
	// is not exactly one; the search was then not made.
	Candidates []Candidate
	Unknown    bool // a name that nobody has
}

// Candidate is a signer or an application.
type Candidate struct {
	Of             string // "signer" or "application"
	ID, Name, More string
}

// Caps on looking for names: an office has hundreds of signers, a region
// thousands.
const (
	maxNamed      = 20_000
	maxCandidates = 20
)

// Search finds operations for a member of staff, and who took part by name.
// That it was asked is on record.
func (g *Gateway) Search(ctx context.Context, c Caller, q SearchRequest) (*SearchResult, error) {
	const act = "operations.search"
	if err := g.allow(ctx, c, act, readers...); err != nil {
		return nil, err
	}
	result, err := g.resolve(ctx, c, &q)
	if err != nil {
		return nil, err
	}
	// On record is whom a name was found to mean, so names come first.
	if err := g.readOperations(ctx, c, act, &q.OperationQuery, ""); err != nil {
		return nil, err
	}
	if len(result.Candidates) > 0 || result.Unknown {
		return result, nil
	}
	return result, g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		f, err := find(ctx, r, q.OperationQuery)
		if err == nil {
			result.Found = *f
		}
		return err
	})
}

// resolve puts identifiers in the places of names, or says what they may mean.
func (g *Gateway) resolve(ctx context.Context, c Caller, q *SearchRequest) (result *SearchResult, err error) {
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		result = &SearchResult{}
		for _, name := range []struct {
			text *string
			find func(ctx context.Context, r Reader, text string) ([]Candidate, error)
		}{{&q.Signer, signersNamed}, {&q.Application, applicationsNamed}} {
			if *name.text == "" {
				continue
			}
			found, err := name.find(ctx, r, *name.text)
			switch {
			case err != nil:
				return err
			case len(found) == 1:
				*name.text = found[0].ID
			default:
				result.Candidates, result.Unknown = found, len(found) == 0
				return nil
			}
		}
		return nil
	})
	return result, err
}

// What a search or a reading was for, as records name it.
const (
	ofKind, ofApplication, ofSigner = "of-kind", "of-application", "of-signer"
	ofDocument, ofOperation         = "of-document", "of-operation"
)

// maxAsked bounds what somebody searched for, in bytes: more is cut before it is
// hidden.
const maxAsked = 1024

// asked is how what somebody looked for stands on record, by name: as it is where
// it names something on record, and otherwise as a keyed digest. People type
// anything into a search, a NIK too, and the log is for ever; whoever must know
// whether a certain word was searched for can still have it compared.
func (g *Gateway) asked(ctx context.Context, c Caller, words map[string]string) (detail map[string]string, err error) {
	err = g.view(ctx, Scope(c.Application.Organisation), func(r Reader) error {
		detail = map[string]string{}
		for name, word := range words {
			if word == "" {
				continue
			}
			known, err := onRecord(ctx, r, name, word)
			if err != nil {
				return err
			}
			if known {
				detail[name] = plain(word, 256)
			} else {
				detail[name] = g.hidden(word)
			}
		}
		return nil
	})
	return detail, err
}

// hidden is the keyed digest of a word.
func (g *Gateway) hidden(word string) string {
	mac := hmac.New(sha256.New, g.asking[:])
	mac.Write([]byte(clip(word, maxAsked)))
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// onRecord tells whether a word names something that is on record here.
func onRecord(ctx context.Context, r Reader, name, word string) (bool, error) {
	var err error
	switch name {
	case ofKind:
		return len(word) <= 64 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz.-") == "", nil
	case ofApplication:
		_, err = r.Application(ctx, word)
	case ofSigner:
		_, err = r.Signer(ctx, word)
	case ofDocument:
		_, err = r.Document(ctx, word)
	case ofOperation:
		_, err = r.Operation(ctx, word)
	default: // digests and numbers of the program's own
		return true, nil
	}
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// signersNamed are the signer with an identifier, or those with a name.
func signersNamed(ctx context.Context, r Reader, text string) ([]Candidate, error) {
	candidate := func(s Signer) Candidate { return Candidate{"signer", s.ID, s.Name, s.Office} }
	s, err := r.Signer(ctx, text)
	if err == nil {
		return []Candidate{candidate(s)}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return named(text, candidate, func(after string) ([]Signer, error) { return r.Signers(ctx, Page{After: after, Limit: 1000}) })
}

// applicationsNamed are the application with an identifier, or those with a
// name.
func applicationsNamed(ctx context.Context, r Reader, text string) ([]Candidate, error) {
	candidate := func(a Application) Candidate { return Candidate{"application", a.ID, a.Name, string(a.Role)} }
	a, err := r.Application(ctx, text)
	if err == nil {
		return []Candidate{candidate(a)}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return named(text, candidate, func(after string) ([]Application, error) { return r.Applications(ctx, Page{After: after, Limit: 1000}) })
}

// named reads a list page by page for those whose name has text in it. One
// whose name is text is the only one.
func named[T any](text string, candidate func(T) Candidate, list func(after string) ([]T, error)) (found []Candidate, err error) {
	text = strings.ToLower(text)
	for after, seen := "", 0; seen < maxNamed; {
		some, err := list(after)
		if err != nil || len(some) == 0 {
			return found, err
		}
		for _, x := range some {
			c := candidate(x)
			after = c.ID
			switch name := strings.ToLower(c.Name); {
			case name == text:
				return []Candidate{c}, nil
			case strings.Contains(name, text) && len(found) < maxCandidates:
				found = append(found, c)
			}
		}
		seen += len(some)
	}
	return found, nil
}
