package flow

import (
	"strconv"
	"strings"
)

// NameRule describes what ValidName accepts.
const NameRule = "1 to 128 ASCII letters, digits, '_' and '-', the first a letter or '_'"

// NameMax is the maximum length of a name that a caller gives, in bytes.
const NameMax = 128

// ValidName reports whether a caller may give this name to a flow, an execution or a schedule: 1 to
// 128 ASCII letters, digits, `_` and `-`, the first a letter or `_` (docs/api.md#flows).
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > NameMax || !letter(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !letter(c) && c != '-' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// ValidLookup reports whether s may be the name of an execution in a lookup. It accepts more than
// ValidName: generated names start with a digit, and names of child executions contain a `:`.
func ValidLookup(s string) bool {
	if len(s) == 0 || len(s) > 200 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !letter(c) && c != '-' && c != ':' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// ValidAction reports whether s has the form of a task's action: service:operation, two words of
// letters, digits, "-", "_" and ".", each with a letter first and at most 128 bytes long.
func ValidAction(s string) bool {
	service, operation, ok := strings.Cut(s, ":")
	return ok && isWord(service) && isWord(operation)
}

func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// ValidQualifier reports whether s can name a version or an alias of a flow.
func ValidQualifier(s string) bool {
	_, isVersion := ParseVersion(s)
	return isVersion || ValidName(s)
}

// ParseVersion parses the name of a version: all digits, and not longer than a name. number is -1
// if no version can have that name, because versions are written without leading zeros.
func ParseVersion(s string) (number int64, isVersion bool) {
	if s == "" || len(s) > NameMax || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != s {
		return -1, true
	}
	return number, true
}

// SplitQualified splits a qualified name of a flow, {name}/{qualifier}. The qualifier is "" if the
// name has none.
func SplitQualified(s string) (name, qualifier string) {
	name, qualifier, _ = strings.Cut(s, "/")
	return name, qualifier
}
