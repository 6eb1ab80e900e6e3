package pdf

import "bytes"

// maxOperands bounds the operands of one content stream operator: TJ takes an
// array, and no operator more than 33 (SCN with DeviceN).
const maxOperands = 64

// ScanContent reads a content stream (§7.8.2) and calls f for each operator
// with the operands before it, which are only valid during the call. It stops
// at the first error of f, which it returns. An inline image (§8.9.7) gives the
// operator BI without operands and is passed over; where its data end is a
// guess, as in every reader. Malformed content is a [MalformedError], too many
// operands or nesting a [LimitError].
func ScanContent(data []byte, f func(operator string, operands []Object) error) error {
	return ScanOperands(data, maxOperands, f)
}

// ScanOperands is [ScanContent] for other data of this syntax, CMaps say, whose
// operators take up to most operands.
func ScanOperands(data []byte, most int, f func(operator string, operands []Object) error) error {
	p := parser{buf: data, final: true, lim: defaultLimits}
	var args []Object
	for {
		p.skipSpace()
		if p.pos >= len(data) {
			return nil
		}
		word := ""
		if class[data[p.pos]] == regular {
			end := p.regularEnd(p.pos)
			word = string(data[p.pos:end])
			if c := word[0]; c-'0' < 10 || c == '+' || c == '-' || c == '.' {
				word = ""
			}
		}
		switch word {
		case "", "true", "false", "null":
			o, err := p.object(0)
			if err != nil {
				return err
			}
			if len(args) == most {
				return &LimitError{Offset: int64(p.pos), Limit: "operands", Max: int64(most)}
			}
			args = append(args, o)
		default:
			p.pos += len(word)
			if err := f(word, args); err != nil {
				return err
			}
			args, p.items = args[:0], 0
			if word == "BI" {
				if err := p.inlineImage(); err != nil {
					return err
				}
			}
		}
	}
}

// inlineImage passes the entries, ID, the data and EI. The data end at the first
// EI between white space that printable text or the end follows.
func (p *parser) inlineImage() error {
	for {
		p.skipSpace()
		if bytes.HasPrefix(p.buf[p.pos:], []byte("ID")) {
			break
		}
		if _, err := p.object(0); err != nil {
			return err
		}
	}
	p.pos += len("ID")
	for {
		i := bytes.Index(p.buf[p.pos:], []byte("EI"))
		if i < 0 {
			return p.fail(len(p.buf), "inline-image")
		}
		at := p.pos + i
		p.pos = at + len("EI")
		before := at > 0 && class[p.buf[at-1]] == space
		if after := p.buf[p.pos:]; before && (len(after) == 0 || class[after[0]] == space && printable(after)) {
			return nil
		}
	}
}

// printable says whether the first bytes of b are ASCII text.
func printable(b []byte) bool {
	for _, c := range b[:min(len(b), 10)] {
		if c >= 0x7F || c < ' ' && class[c] != space || c == 0 {
			return false
		}
	}
	return true
}
