package gateway

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
)

// Authority is a timestamp authority; tsp.Authority is one.
type Authority interface {
	// Respond answers a DER TimeStampReq. The error is about the authority
	// itself; what is wrong with the request stands in the answer.
	Respond(query []byte, at time.Time) (reply []byte, err error)
}

// Stamped is the answer to a timestamp query.
type Stamped struct {
	Operation string
	Reply     []byte // DER TimeStampResp
}

// Stamp answers a timestamp query (RFC 3161). The digest that is asked about is
// the record's input where it is a SHA-256.
func (g *Gateway) Stamp(ctx context.Context, c Caller, a Authority, query []byte) (*Stamped, error) {
	if err := g.allow(ctx, c, "stamp", RoleApplication); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(query)
	r := evidence.Record{Kind: "stamp", Detail: map[string]string{"query": hex.EncodeToString(sum[:])}}
	if q, err := tsp.ParseRequest(query); err == nil {
		r.Detail["imprint"] = hex.EncodeToString(q.Digest)
		if q.Hash == crypto.SHA256 && len(q.Digest) == sha256.Size {
			r.Subject.InputSHA256 = r.Detail["imprint"]
		}
	}
	op, err := g.begin(ctx, c, beginning{record: r})
	if err != nil {
		return nil, err
	}
	op.signed = true
	reply, err := a.Respond(query, op.record.Time)
	if err != nil {
		return nil, op.fail(ctx, err)
	}
	if answer, err := tsp.ParseResponse(reply); err == nil && answer.Token == nil {
		op.signed = false
		refused := outcome{result: evidence.Result{Status: evidence.StatusRefused, Code: string(CodeInvalid)}}
		_, err := op.finish(ctx, refused, errorf(CodeInvalid, "The query was rejected."))
		return &Stamped{Operation: op.row.ID, Reply: reply}, err
	}
	done, err := op.release(ctx, outcome{artefacts: []evidence.Blob{{Organisation: op.record.Organisation, Kind: "timestamp-reply", Data: reply}}})
	if err != nil {
		return nil, err
	}
	return &Stamped{Operation: done.Operation, Reply: reply}, nil
}
