package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/absah-id/absah/gateway"
)

// maxCaseFile is the largest file, in bytes, that the gateway takes for a case;
// Config.MaxUpload may be less.
const maxCaseFile = 32 << 20

// caseFileLimit is what the form for a complaint says of its file.
func (c Config) caseFileLimit() int64 { return min(c.MaxUpload, maxCaseFile) }

// errDocumentID is about an address of a QR code in which there is no id.
var errDocumentID = errors.New("web: no id of a document")

// intake is the public form for a complaint at /pengaduan, and what becomes of
// one. Whoever has written down what happened gets it back with every refusal.
func (v *visit) intake(post bool) error {
	// Browsers that do not say Sec-Fetch-Site then say where a form comes from.
	v.w.Header().Set("Referrer-Policy", "same-origin")
	if !post || v.cfg.Cases == nil {
		return v.complaint()
	}
	if crossOrigin.Check(v.r) != nil {
		return v.refuseForeign()
	}
	return v.complain(v.cfg.Admit(v.address))
}

// intakeTooLarge answers a complaint that is refused for its length before any of
// it is read, in the same way. The error says that it is none, or what kept it
// from being answered.
func (v *visit) intakeTooLarge(refusal error) error {
	var e *gateway.Error
	if v.cfg.Cases == nil || v.r.Method != http.MethodPost || v.r.URL.Path != "/pengaduan" || !errors.As(refusal, &e) || e.Code != gateway.CodeTooLarge {
		return refusal
	}
	if crossOrigin.Check(v.r) != nil {
		return v.refuseForeign()
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxValues*maxValue)
	return v.complain(refusal)
}

// complain takes a complaint. With a refusal it only reads what was written
// before the file, and gives it back.
func (v *visit) complain(refusal error) error {
	p := newPosting()
	defer p.Close()
	p.fileless = refusal
	err := v.readInto(p, func(string) bool { return true })
	if refusal != nil {
		err = refusal
	}
	if err == nil {
		err = p.findDocumentID()
	}
	var receipt *gateway.CaseReceipt
	if err == nil {
		receipt, err = v.fileComplaint(p, gateway.Caller{Address: v.address})
	}
	if err != nil {
		return v.complainAgain(p, err)
	}
	return v.show(http.StatusOK, "case-receipt", page{Title: v.look.words.Text("case.receipt.title"), Case: &receiptView{
		Number: receipt.Number, Code: receipt.Code, Path: v.to("/pengaduan/" + receipt.Code), Due: v.dueDay(receipt.Due), Unknown: receipt.Unknown,
	}})
}

// refuseForeign refuses a form that another site had a browser send: nobody may
// be made to complain. A program that is no browser says nothing of sites, and
// is taken; it has no session that could be misused.
func (v *visit) refuseForeign() error {
	const act = "POST /pengaduan"
	if v.cfg.Staff == nil {
		return &gateway.Error{Code: gateway.CodeForbidden, Text: "The form was sent by another site."}
	}
	return v.cfg.Staff.Deny(v.r.Context(), gateway.Caller{Address: v.address, Authentication: "none"}, act, "sent by another site")
}

// complainAgain shows the form as it was filled in, and why it was not taken. A
// file has to be chosen again, which no page can do for its reader, and a NIK
// is not sent back.
func (v *visit) complainAgain(p *posting, err error) error {
	status, text := v.refusal(p, err)
	form := complaintView{Action: v.to("/pengaduan"), Values: p.values, Fault: text}
	if shown := v.complaintForm(status, form); shown != nil {
		return shown
	}
	return answered{err}
}

// refusal is the status and the words with which a complaint is not taken.
func (v *visit) refusal(p *posting, err error) (status int, text string) {
	w := v.look.words
	e := &gateway.Error{Code: gateway.CodeInternal}
	errors.As(err, &e)
	answer, known := faults[e.Code]
	if !known {
		answer.status = http.StatusInternalServerError
	}
	status = answer.status
	switch wait := v.retryAfter(e); {
	case errors.Is(err, errDocumentID):
		status, text = http.StatusBadRequest, w.Text("case.fault.qr")
	case errors.Is(err, errLong):
		text = w.Text("case.fault.long")
	case complaintFault(err) != "":
		text = w.Text(complaintFault(err))
	case e.Code == gateway.CodeTooLarge:
		text = w.Text("case.fault.file", sizeText(w, v.cfg.caseFileLimit()))
	case e.Code == gateway.CodeRate:
		text = w.Text("case.fault.often", wait)
	case e.Code == gateway.CodeBusy:
		text = w.Text("case.fault.busy")
	default:
		text = w.Text("case.fault.disturbed")
	}
	if p.fileName != "" || p.value("nik") != "" {
		text += " " + w.Text("case.fault.again")
	}
	return status, text
}

// documentLetters are those of public ids, and documentLength their number.
const (
	documentLetters = "abcdefghjkmnpqrstvwxyz0123456789"
	documentLength  = 26
)

// findDocumentID leaves the id of a document in its field, whatever people copy
// along from a QR code: an address, "kode:", a slash behind it, capitals. The
// error says that none, or more than one, can be read in a field that is not
// empty: who filled it in must learn that, since nobody else can mend it.
func (p *posting) findDocumentID() error {
	const field = "document-id"
	if p.value(field) == "" {
		return nil
	}
	var found []string
	for word := range strings.FieldsFuncSeq(strings.ToLower(p.value(field)), notAlphanumeric) {
		if len(word) == documentLength && strings.Trim(word, documentLetters) == "" && !slices.Contains(found, word) {
			found = append(found, word)
		}
	}
	if len(found) != 1 {
		return invalid(errDocumentID)
	}
	p.values[field] = found[0]
	return nil
}

func notAlphanumeric(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
