package flow

// NameRule describes what ValidName accepts.
const NameRule = "1 to 128 ASCII letters, digits, '_' and '-', the first a letter or '_'"

// ValidName reports whether a caller may give this name to a flow or an execution: 1 to 128 ASCII
// letters, digits, `_` and `-`, the first a letter or `_` (api.md 3.1).
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > 128 || !letter(s[0]) {
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
