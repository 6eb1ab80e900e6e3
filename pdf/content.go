package pdf

// maxOperands bounds the operands of one content stream operator: TJ takes an
// array, and no operator more than 33 (SCN with DeviceN).
const maxOperands = 64

// ScanContent reads a content stream (§7.8.2) and calls f for each operator
// with the operands before it, which are only valid during the call. It stops
// at the first error of f, which it returns. An inline image gives the operator
// BI, and f must then stop: what follows is no content stream syntax. Malformed
// content is a [MalformedError], too many operands or nesting a [LimitError].
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
			args = args[:0]
		}
	}
}
