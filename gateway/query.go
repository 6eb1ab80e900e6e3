package gateway

import (
	"context"
	"errors"
	"slices"
)

// Kinds returns the kinds of operations that are on record, as Operation.Kind has
// them.
func Kinds() []string { return slices.Clone(kinds) }

var kinds = []string{
	"access.denied", "activation", "activation.revoke", "application.add", "application.add-credential", "application.revoke-credential", "augment",
	"case.attach", "case.close", "case.contact", "case.download", "case.erase", "case.examine", "case.file", "case.follow",
	"case.letter", "case.move", "case.note", "case.open", "case.propose", "case.read", "case.readmit", "case.recuse", "case.release", "case.search",
	"certificate.read", "certificate.status", "certificate.status.later", "clock.reset",
	"document.read", "document.register", "document.status", "log.checkpoints", "log.floor", "log.key",
	"operation.evidence", "operation.read", "operations.search", "overview.read",
	"proposal.approve", "proposal.make", "proposal.reject", "rows.adopt", "seal", "sign",
	"signer.certificate", "signer.enrol", "signer.lock", "signer.lockout", "signer.read", "signer.renew", "signer.revoke", "signer.seal",
	"signer.unlock", "staff.add", "staff.confirm", "staff.lock", "staff.password", "staff.reenrol", "staff.reset", "staff.sign-in",
	"staff.sign-out", "staff.unlock", "stamp", "supervision.report", "timestamp", "trust.first", "verify", "verify.anonymous",
}

// checkQuery refuses words that no operation has, since to find nothing would be
// the answer to another question, and an application's search for those of another
// one, whether there is that one or not.
func (g *Gateway) checkQuery(ctx context.Context, c Caller, q OperationQuery) error {
	statuses := []OperationStatus{"", OperationPending, OperationOK, OperationRefused, OperationFailed, OperationUnknown}
	switch {
	case q.Kind != "" && !slices.Contains(kinds, q.Kind):
		return errorf(CodeInvalid, "There is no such kind of operation.")
	case !slices.Contains(statuses, q.Status):
		return errorf(CodeInvalid, "There is no such status of operations.")
	case c.Application.Role == RoleApplication && q.Application != "" && q.Application != c.Application.ID:
		g.recordDenied(ctx, c, "operations.search", "operations of another application")
		return errorf(CodeForbidden, "An application finds its own operations alone.")
	}
	return nil
}

// checkApplication refuses a search for the operations of an application that
// the organisation does not have.
func (q OperationQuery) checkApplication(ctx context.Context, r Reader) error {
	if q.Application == "" {
		return nil
	}
	_, err := r.Application(ctx, q.Application)
	if errors.Is(err, ErrNotFound) {
		return errorf(CodeInvalid, "There is no such application.")
	}
	return err
}
