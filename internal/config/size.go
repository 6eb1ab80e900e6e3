package config

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Size is a number of bytes. It is written as a number with one of the units
// B, KiB, MiB and GiB; a bare number is refused, because nobody can tell
// whether its writer thought of bytes or megabytes.
type Size int64

var units = []struct {
	name  string
	bytes uint64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// ParseSize reads a size such as "25MiB".
func ParseSize(s string) (Size, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		high, total := bits.Mul64(n, u.bytes)
		if err != nil || high != 0 || total > 1<<62 {
			break
		}
		return Size(total), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512KiB, 25MiB or 1GiB", s)
}

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range units {
		if n := int64(u.bytes); s != 0 && int64(s)%n == 0 {
			return strconv.FormatInt(int64(s)/n, 10) + u.name
		}
	}
	return "0B"
}

// UnmarshalYAML reads a size from a scalar.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	size, err := ParseSize(node.Value)
	if err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", node.Line, err)}}
	}
	*s = size
	return nil
}
