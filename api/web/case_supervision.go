package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/absah-id/absah/gateway"
)

// supervisionView is the form for the report on supervision.
type supervisionView struct {
	Years, Periods []option
	Fault          string
}

// Who asks for the report on supervision.
var supervisionRoles = []gateway.Role{gateway.RoleSupervisor, gateway.RoleAuditor}

// supervisionYears is how many years back the form offers.
const supervisionYears = 6

func (v *visit) supervisionPage(string) error {
	if _, err := v.staff(supervisionRoles...); err != nil {
		return err
	}
	return v.supervisionForm(http.StatusOK, "")
}

func (v *visit) supervisionForm(status int, fault string) error {
	if v.cfg.Cases == nil {
		return errNotFound
	}
	w, now := v.look.words, v.cfg.clock().In(v.cfg.officeZone())
	view := supervisionView{Fault: fault}
	for i := range supervisionYears {
		year := strconv.Itoa(now.Year() - i)
		view.Years = append(view.Years, option{Value: year, Word: year})
	}
	half := "1"
	if now.Month() > time.June {
		half = "2"
	}
	view.Periods = []option{
		{"1", w.Text("case.supervision.1"), half == "1"}, {"2", w.Text("case.supervision.2"), half == "2"}, {"year", w.Text("case.supervision.year"), false},
	}
	return v.showOp(status, "case-supervision", w.Text("case.supervision"), view)
}

// supervision sends the sealed report.
func (v *visit) supervision(string) error {
	c, p, err := v.casePosted(supervisionRoles...)
	if err != nil {
		return err
	}
	defer p.Close()
	from, to, err := supervised(p.value("year"), p.value("period"), v.cfg.officeZone())
	if err != nil {
		return v.supervisionForm(http.StatusBadRequest, v.look.words.Text("case.supervision.wrong"))
	}
	done, err := v.cfg.Turn(v.r.Context())
	if err != nil {
		return err
	}
	defer done()
	data, err := v.cfg.Cases.SupervisionReport(v.r.Context(), c, from, to)
	var e *gateway.Error
	if errors.As(err, &e) && e.Code == gateway.CodeInvalid {
		return v.supervisionForm(http.StatusBadRequest, v.look.words.Text("case.supervision.wrong"))
	}
	if err != nil {
		return err
	}
	return v.sendFile(pdfType, "laporan-pengawasan-"+attachmentName(p.value("year")+"-"+p.value("period"))+".pdf", data)
}

// supervised is a period as the form names it.
func supervised(year, period string, zone *time.Location) (from, to time.Time, err error) {
	y, err := strconv.Atoi(year)
	if err != nil || y < 2000 || y > 9999 {
		return from, to, errors.New("no such year")
	}
	day := func(month time.Month) time.Time { return time.Date(y, month, 1, 0, 0, 0, 0, zone) }
	switch period {
	case "1":
		return day(time.January), day(time.July), nil
	case "2":
		return day(time.July), day(time.January).AddDate(1, 0, 0), nil
	case "year":
		return day(time.January), day(time.January).AddDate(1, 0, 0), nil
	}
	return from, to, errors.New("no such period")
}
