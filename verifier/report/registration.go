package report

import "time"

// Registration is what the office that has issued a document has made of it
// since: the signatures of a letter that was withdrawn are as valid as before.
type Registration struct {
	ID      string    `json:"id"`     // public id of the document
	Status  string    `json:"status"` // replaced or withdrawn
	Since   time.Time `json:"since"`
	Address string    `json:"address"` // of the page about the document
}

// Registration is a heading and a sentence about a document that was withdrawn or
// replaced. Times are written by format.
func (w Words) Registration(r Registration, format func(time.Time) string) (heading, sentence string) {
	return w.Text("registration." + r.Status), w.Text("registration."+r.Status+".meaning", format(r.Since))
}
