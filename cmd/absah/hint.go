package main

import (
	"errors"
	"strings"

	"github.com/absah-id/absah/cms/tsp"
	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/gateway"
	"github.com/absah-id/absah/hsm"
	"github.com/absah-id/absah/pdf"
	"github.com/absah-id/absah/pki"
	"github.com/absah-id/absah/pki/fetch"
	"github.com/absah-id/absah/signer"
	"github.com/absah-id/absah/store"
)

// hintFor says what to do next after the command, "augment" or "key generate",
// has failed. It is empty for errors that say so themselves, as those of usage
// do, and for defects.
func hintFor(command string, err error) string {
	if refused, ok := errors.AsType[*signer.RefusedError](err); ok {
		if hint, other := augmentHints[refused.Code]; other && command == "augment" {
			return hint
		}
		return refusalHints[refused.Code]
	}
	if errors.Is(err, hsm.ErrUnknownOutcome) {
		return unknownOutcomeHint(command)
	}
	if !ofKey(command) {
		if h := gatewayHint(command, err); h != "" {
			return h
		}
	}
	for _, hint := range []func(error) string{documentHint, keyHint} {
		if h := hint(err); h != "" {
			return h
		}
	}
	return serviceHint(command, err)
}

// augmentHints replace those of refusalHints where nobody signs: a signature
// that was made stays as it is.
var augmentHints = map[string]string{
	signer.CodeExpired:       "no later proof can stand for the time before it expired: have the document signed again",
	signer.CodeRevoked:       "absah verify judges the signature as it is; have the document signed again with a certificate that is good",
	signer.CodeOnHold:        "try again once the authority has lifted the suspension",
	signer.CodeAuthority:     "absah verify judges the signature as it is",
	signer.CodeKeyUsage:      "absah verify judges the signature as it is",
	signer.CodePath:          "name the root of each signature with --trust",
	signer.CodeNoStatus:      "nothing can be added about this certificate: B-T is the highest level it can have",
	signer.CodeStatusUnknown: "ask the authority whether it issued the certificate and when its responder will know it",
}

// unknownOutcomeHint is about an HSM that was asked and did not answer: only
// the keys that it holds can be looked at.
func unknownOutcomeHint(command string) string {
	switch command {
	case "key generate":
		return "absah key list shows whether the key was made; if so use it, or take it away with absah key delete"
	case "key delete":
		return "absah key list shows whether the key is still there"
	}
	return "if a signature was made it is lost: nothing was written, and no one has it; once the HSM answers do the same again, which makes another"
}

// refusalHints are by the code of a refusal.
var refusalHints = map[string]string{
	signer.CodeKeyMismatch:     "name the certificate of --key with --cert, its own certificate first in the file",
	signer.CodeAlgorithm:       "use a key of RSA-2048 or more, or of P-256, P-384 or P-521",
	signer.CodeExpired:         "ask the authority for a new certificate (absah key csr) and name it with --cert",
	signer.CodeNotYetValid:     "wait until then, or correct the clock of this machine",
	signer.CodeRevoked:         "make a new key (absah key generate) and ask for a certificate of it (absah key csr)",
	signer.CodeOnHold:          "ask the authority that issued the certificate to lift the suspension",
	signer.CodeAuthority:       "put the signer's own certificate first in the file named with --cert",
	signer.CodeKeyUsage:        "ask the authority for a certificate for signing documents (digitalSignature or nonRepudiation)",
	signer.CodePath:            "put the certificates between signer and root behind the signer's in the file of --cert, and name the root with --trust",
	signer.CodeNoStatus:        "ask the authority for a certificate that names an OCSP responder or a revocation list",
	signer.CodeStatusUnknown:   "ask the authority whether it issued the certificate and when its responder will know it; meanwhile B-B and B-T can be signed without --trust, which checks neither path nor revocation",
	signer.CodeTSA:             "name another authority with --tsa, or the root of this one with --trust-tsa",
	signer.CodeNoSignature:     "sign it first (absah sign), or stamp it as it is (absah timestamp)",
	signer.CodeAmbiguous:       "make the file anew with the program it comes from",
	signer.CodeSignatureBroken: "absah verify says what was changed; sign the document as it was before that",

	"appearance-outside":         "choose another place with --visible",
	"appearance-rect":            "give it more room with --visible w=…,h=…",
	"appearance-text":            "the texts are those of --show-name, --show-office and --show-line",
	"appearance-personal-number": "leave it out of --qr, --show-name, --show-office and --show-line",
	"image-format":               "name a PNG or a JPEG file with --show-image",
	"image-size":                 "name a smaller picture with --show-image",
	"qr-size":                    "shorten the address of --qr, or give it more room with --visible w=…,h=…",

	"field-name":        "name another field with --field, or none to make a new one",
	"field-missing":     "leave out --field to make a new field",
	"field-signed":      "name another field with --field, or none to make a new one",
	"field-locked":      "who may change the document said otherwise in an earlier signature; sign another copy",
	"certified-p1":      "its first signer allowed no further signature; ask for a copy that allows them",
	"certified-visible": "sign without --visible, or in a field that the document has",
	"certified":         "sign without --certify",
	"not-first":         "a certification comes before all signatures: sign without --certify",
	"covers-content":    "choose a free place with --visible, or sign without it",
	"page-missing":      "name a page that the document has with --visible page=N, or page=last",
	"xfa-dynamic":       "print the form into a new PDF and sign that",
}

// documentHint is about files that cannot be read.
func documentHint(err error) string {
	if p, ok := errors.AsType[*pdf.PasswordError](err); ok {
		switch {
		case p.Recipients:
			return "ask for a copy without encryption"
		case p.Wrong:
			return "check the file named with --password-file: its first line is the password"
		}
		return "name the file that holds the password with --password-file FILE"
	}
	if m, ok := errors.AsType[*pdf.MalformedError](err); ok {
		switch m.Rule {
		case "header":
			return "is it a PDF? Other files can be signed with: absah sign --detached"
		case "header-offset":
			return "take away what stands before %PDF- (a byte order mark, or lines of a program that sent the file), or ask for the file anew"
		case "encrypt-unsupported":
			return "ask for a copy without encryption"
		}
		return "the file is damaged, and guessing what it was is not for a signing program: make it anew with the program it comes from"
	}
	if is[*pdf.LimitError](err) {
		return "ordinary documents stay far below this limit: make the file anew with the program it comes from"
	}
	return ""
}

// keyHint is about the token and its keys.
func keyHint(err error) string {
	switch {
	case errors.Is(err, hsm.ErrPIN):
		return "check the file given with --pin-file before trying again: tokens lock after a few wrong PINs"
	case errors.Is(err, hsm.ErrKeyNotFound):
		return "absah key list shows the keys of the token"
	case errors.Is(err, hsm.ErrKeyExists):
		return "choose another --label; absah key list shows those that are taken"
	case errors.Is(err, hsm.ErrAmbiguousKey):
		return "absah key list shows the identifiers; absah key delete --id takes one of them away"
	case errors.Is(err, hsm.ErrUnavailable):
		return "check --module and --token, and that the HSM is up; SoftHSM needs SOFTHSM2_CONF"
	}
	return ""
}

// ofKey tells whether a command names the token by flags; others that reach one
// have it from a configuration.
func ofKey(command string) bool {
	return command == "sign" || command == "key" || strings.HasPrefix(command, "key ")
}

// gatewayHint is about commands on a gateway, whose token and log its
// configuration names.
func gatewayHint(command string, err error) string {
	switch {
	case errors.Is(err, hsm.ErrPIN):
		return "check the file of hsm.pin_file before trying again: tokens lock after a few wrong PINs"
	case errors.Is(err, hsm.ErrKeyNotFound):
		return "absah key list shows the keys of the token; absah init CONFIG makes those that the gateway needs for itself"
	case errors.Is(err, hsm.ErrUnavailable):
		return "check hsm.module, hsm.token and hsm.environment, and that the HSM is up; SoftHSM needs SOFTHSM2_CONF"
	case errors.Is(err, store.ErrUnreachable):
		return "check database.url, and that the database runs and lets this user connect"
	case errors.Is(err, evidence.ErrRollback):
		return `absah evidence audit says what is missing; "Restore" in docs/OPERATION.md says what to do`
	case errors.Is(err, evidence.ErrNoFloor):
		return `"A log of a new name" in docs/OPERATION.md says what to do, "Several servers" for a server that joins`
	case errors.Is(err, evidence.ErrNoSuccessor):
		return `"The log's keys" in docs/OPERATION.md says how to change the key`
	case errors.Is(err, evidence.ErrTampered):
		return "keep the database as it is; absah evidence audit names the first bad record"
	}
	e, ok := errors.AsType[*gateway.Error](err)
	if !ok {
		return ""
	}
	noun, _, _ := strings.Cut(command, " ")
	switch {
	case e.Code == gateway.CodeNotFound && (noun == "signer" || noun == "application" || noun == "staff"):
		return "absah " + noun + " list CONFIG shows those that are there"
	case e.Code == gateway.CodeExists && command == "application add":
		return "choose another name; absah application add-credential gives the one that is there another key"
	}
	return ""
}

// said is what is told of an error. Of a refusal of the gateway the sentence says
// it all; what is behind it is for the code.
func said(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*gateway.Error](err); ok && e.Err != nil && e.Retry == 0 && e.Code != gateway.CodeInternal {
		text = strings.TrimSuffix(text, ": "+e.Err.Error())
	}
	return text
}

// serviceHint is about the network.
func serviceHint(command string, err error) string {
	if f, ok := errors.AsType[*fetch.Error](err); ok && f.Kind == fetch.Forbidden {
		return "an address on a private network must be allowed with --allow-host HOST:PORT"
	}
	if is[*tsp.UnavailableError](err) {
		if is[*pki.PathError](err) {
			return refusalHints[signer.CodeTSA]
		}
		if command == "sign" {
			return "add a second --tsa URL; --fallback accepts the lower level"
		}
		return "try again later, or add a second --tsa URL"
	}
	if u, ok := errors.AsType[*signer.UnavailableError](err); ok && u.Service == "revocation" {
		if command == "sign" {
			return "try again later; --fallback accepts a lower level, or a certificate whose status is not known"
		}
		return "try again later"
	}
	return ""
}
