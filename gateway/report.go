package gateway

import "context"

// SealReport seals a verdict that the gateway has printed itself, for whoever
// asked for it at an address without authentication: no application stands
// behind the record, and the seal is used at the level that can be had now.
// What is sealed must come from the gateway's own printer, never from outside.
func (g *Gateway) SealReport(ctx context.Context, address, seal string, in Upload) (*Release, error) {
	return g.sealPaper(ctx, Caller{Authentication: "none", Address: address}, seal, "", in)
}

// sealPaper seals what the gateway has printed itself, for a caller that is no
// application. The paper may belong to a complaint, "" for none: then the record
// is kept from whom the complaint is kept from.
func (g *Gateway) sealPaper(ctx context.Context, c Caller, seal, complaint string, in Upload) (*Release, error) {
	c.Application = Application{
		Organisation: g.cfg.Organisation, Role: RoleApplication,
		Policy: Policy{Signers: []string{seal}, Levels: []string{LevelLT.String()}, Fallback: true},
	}
	return g.Seal(ctx, c, in, SignRequest{Signer: seal, Level: LevelLT, Fallback: true, paperOf: complaint})
}
