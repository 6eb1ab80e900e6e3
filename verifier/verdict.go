package verifier

import "fmt"

// Indication is the main status of EN 319 102-1 Table 5, of a signature as
// well as of a building block. The zero value is none.
type Indication string

// The indications. Of whole signatures they are written with the prefix
// "TOTAL-": see [Indication.Total].
const (
	Passed        Indication = "PASSED"
	Failed        Indication = "FAILED"
	Indeterminate Indication = "INDETERMINATE"
)

// Total is how the indication of a whole signature or timestamp is written:
// TOTAL-PASSED, TOTAL-FAILED or INDETERMINATE.
func (i Indication) Total() string {
	if i == Passed || i == Failed {
		return "TOTAL-" + string(i)
	}
	return string(i)
}

// SubIndication is that of EN 319 102-1 Table 6; "" beside PASSED, and beside
// INDETERMINATE when a limit of ours was hit, for which ETSI has no word.
type SubIndication string

// The sub-indications.
const (
	FormatFailure             SubIndication = "FORMAT_FAILURE"
	HashFailure               SubIndication = "HASH_FAILURE"
	SigCryptoFailure          SubIndication = "SIG_CRYPTO_FAILURE"
	Revoked                   SubIndication = "REVOKED"
	Expired                   SubIndication = "EXPIRED"
	NotYetValid               SubIndication = "NOT_YET_VALID"
	SigConstraintsFailure     SubIndication = "SIG_CONSTRAINTS_FAILURE"
	ChainConstraintsFailure   SubIndication = "CHAIN_CONSTRAINTS_FAILURE"
	ChainGeneralFailure       SubIndication = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	CryptoConstraintsFailure  SubIndication = "CRYPTO_CONSTRAINTS_FAILURE"
	PolicyProcessingError     SubIndication = "POLICY_PROCESSING_ERROR"
	PolicyNotAvailable        SubIndication = "SIGNATURE_POLICY_NOT_AVAILABLE"
	TimestampOrderFailure     SubIndication = "TIMESTAMP_ORDER_FAILURE"
	NoSigningCertificateFound SubIndication = "NO_SIGNING_CERTIFICATE_FOUND"
	NoCertificateChainFound   SubIndication = "NO_CERTIFICATE_CHAIN_FOUND"
	NoChainFoundNoPOE         SubIndication = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
	RevokedNoPOE              SubIndication = "REVOKED_NO_POE"
	RevokedCANoPOE            SubIndication = "REVOKED_CA_NO_POE"
	OutOfBoundsNotRevoked     SubIndication = "OUT_OF_BOUNDS_NOT_REVOKED"
	OutOfBoundsNoPOE          SubIndication = "OUT_OF_BOUNDS_NO_POE"
	RevocationOutOfBounds     SubIndication = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
	CryptoNoPOE               SubIndication = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	NoPOE                     SubIndication = "NO_POE"
	TryLater                  SubIndication = "TRY_LATER"
	SignedDataNotFound        SubIndication = "SIGNED_DATA_NOT_FOUND"
)

// CodeLimit is the code of a reason that says that a limit was hit.
const CodeLimit = "resource-limit"

// Reason is one cause of an indication, or a warning. Code is stable and the
// key of translations; Text is one English sentence or phrase for people.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// String is the text with the code behind it, in brackets.
func (r Reason) String() string { return r.Text + " [" + r.Code + "]" }

func reasonf(code, format string, args ...any) Reason {
	return Reason{code, fmt.Sprintf(format, args...)}
}

// Conclusion is what a process or a building block came to.
type Conclusion struct {
	Indication Indication
	Sub        SubIndication
	Reasons    []Reason // empty beside PASSED
}

func (c Conclusion) String() string {
	if c.Sub == "" {
		return string(c.Indication)
	}
	return string(c.Indication) + "/" + string(c.Sub)
}

func passed() Conclusion { return Conclusion{Indication: Passed} }

func failed(sub SubIndication, why ...Reason) Conclusion {
	return Conclusion{Failed, sub, why}
}

func indeterminate(sub SubIndication, why ...Reason) Conclusion {
	return Conclusion{Indeterminate, sub, why}
}

func limited(text string) Conclusion {
	return indeterminate("", Reason{CodeLimit, text})
}

func (c Conclusion) ok() bool { return c.Indication == Passed }

// is reports whether the conclusion is INDETERMINATE with one of subs.
func (c Conclusion) is(subs ...SubIndication) bool {
	if c.Indication != Indeterminate {
		return false
	}
	for _, s := range subs {
		if c.Sub == s {
			return true
		}
	}
	return false
}

// because returns c with more reasons.
func (c Conclusion) because(why ...Reason) Conclusion {
	c.Reasons = append(c.Reasons[:len(c.Reasons):len(c.Reasons)], why...)
	return c
}

// Block is a building block of EN 319 102-1 or a process made of such: what
// was checked and what came out.
type Block struct {
	// Name is the short name of validation practice: FC, ISC, VCI, XCV, RAC,
	// RFC, CV, SAV, PSV, PCV, VTS, or BASIC, LTV, ARCHIVAL, TIMESTAMP.
	Name    string
	Clause  string // of EN 319 102-1
	Subject string // certificate, timestamp or evidence it is about; may be empty
	Conclusion
	Constraints []Constraint
	Blocks      []*Block
}

// Constraint is one check inside a block.
type Constraint struct {
	Code string // stable, as in [Reason]
	OK   bool
	Text string // what was found; may be empty when OK
}

func newBlock(name, clause, subject string) *Block {
	return &Block{Name: name, Clause: clause, Subject: subject, Conclusion: passed()}
}

// hold notes a constraint that is met.
func (b *Block) hold(code string) { b.Constraints = append(b.Constraints, Constraint{code, true, ""}) }

// holdf notes a constraint that is met, with what was found.
func (b *Block) holdf(code, format string, args ...any) {
	b.Constraints = append(b.Constraints, Constraint{code, true, fmt.Sprintf(format, args...)})
}

// fail notes a constraint that is not met and makes c the block's
// conclusion unless there is an earlier one.
func (b *Block) fail(c Conclusion) {
	for _, r := range c.Reasons {
		b.Constraints = append(b.Constraints, Constraint{r.Code, false, r.Text})
	}
	if b.ok() {
		b.Conclusion = c
	}
}

// sub adds a block and hands it back.
func (b *Block) sub(child *Block) *Block {
	if child != nil {
		b.Blocks = append(b.Blocks, child)
	}
	return child
}
