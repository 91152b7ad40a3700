package flow

// NameRule says in words what ValidName takes.
const NameRule = "1 to 128 ASCII letters, digits, '_' and '-', the first a letter or '_'"

// ValidName tells whether s is a name that a caller may give a flow or an execution: 1 to 128 ASCII letters, digits,
// `_` and `-`, the first a letter or `_` (api.md 3.1).
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

// ValidLookup tells whether s may name an execution in a look-up: generated names start with a digit, names of
// child executions hold a `:`.
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
