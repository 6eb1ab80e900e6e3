package report

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed messages_id.json messages_en.json
var messageFiles embed.FS

// Language is a language of reports.
type Language string

// The languages. The zero Language is Indonesian.
const (
	Indonesian Language = "id"
	English    Language = "en"
)

// catalogue is one language's messages by key.
type catalogue map[string]string

// messagesOf returns the messages of a language.
func messagesOf(l Language) (catalogue, error) {
	if l == "" {
		l = Indonesian
	}
	data, err := messageFiles.ReadFile("messages_" + string(l) + ".json")
	if err != nil {
		return nil, fmt.Errorf("report: no language is called %q", string(l))
	}
	var c catalogue
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("report: messages in %s: %w", l, err)
	}
	return c, nil
}

// text returns the message of a key, with args filled in as by fmt.Sprintf. A
// key without a message is shown itself: a gap that readers can report.
func (c catalogue) text(key string, args ...any) string {
	format, known := c[key]
	if !known {
		return key
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
