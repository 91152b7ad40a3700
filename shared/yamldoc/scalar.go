package yamldoc

import (
	"fmt"
	"strconv"
	"strings"

	"millrace/shared/value"
)

// Plain returns the kind and the text of an unquoted scalar by the core schema of YAML 1.2, in
// which `yes`, `on` and timestamps are strings. The text of a number is a JSON number. For a number
// that JSON does not have, Plain returns a reason.
func Plain(text string) (kind Kind, normal string, reason string) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return Null, "", ""
	case "true", "True", "TRUE":
		return Bool, "true", ""
	case "false", "False", "FALSE":
		return Bool, "false", ""
	}
	if c := text[0]; c != '+' && c != '-' && c != '.' && !digit(c) {
		return String, text, ""
	}
	if isNonFinite(text) {
		return Number, text, "JSON has no number " + text
	}
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0o") {
		return prefixedInteger(text)
	}
	if normal, ok := decimal(text); ok {
		return Number, normal, tooLong(normal)
	}
	return String, text, ""
}

// tooLong returns the reason why a number is too long for a value, or "". An execution could not
// decode such a number again.
func tooLong(number string) string {
	if len(number) > value.NumberMax {
		return fmt.Sprintf("number is longer than %d characters", value.NumberMax)
	}
	return ""
}

func isNonFinite(text string) bool {
	switch strings.TrimLeft(text, "+-") {
	case ".inf", ".Inf", ".INF":
		return len(text) <= 5
	case ".nan", ".NaN", ".NAN":
		return len(text) == 4
	}
	return false
}

// prefixedInteger parses 0x and 0o integers.
func prefixedInteger(text string) (Kind, string, string) {
	base := 8
	if text[1] == 'x' {
		base = 16
	}
	n, err := strconv.ParseUint(text[2:], base, 64)
	if err == nil {
		return Number, strconv.FormatUint(n, 10), ""
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return Number, text, "number does not fit 64 bits"
	}
	return String, text, ""
}

// decimal rewrites a decimal number of YAML as a JSON number, which needs a digit on both sides of
// the point and has no plus and no leading zeros. It returns false if the text is not a number.
func decimal(text string) (string, bool) {
	rest, minus := text, false
	if rest[0] == '+' || rest[0] == '-' {
		minus = rest[0] == '-'
		rest = rest[1:]
	}
	whole, rest := digits(rest)
	fraction, point := "", false
	if rest != "" && rest[0] == '.' {
		point = true
		fraction, rest = digits(rest[1:])
	}
	if whole == "" && fraction == "" {
		return "", false
	}
	exponent, ok := exponent(rest)
	if !ok {
		return "", false
	}
	if text[0] != '+' && whole != "" && (whole[0] != '0' || len(whole) == 1) &&
		point == (fraction != "") {
		return text, true
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if minus {
		whole = "-" + whole
	}
	return whole + exponent, true
}

// exponent checks the rest of a number: nothing, or e with a signed integer.
func exponent(rest string) (string, bool) {
	if rest == "" {
		return "", true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return "", false
	}
	power := rest[1:]
	if power != "" && (power[0] == '+' || power[0] == '-') {
		power = power[1:]
	}
	some, none := digits(power)
	return rest, some != "" && none == ""
}

func digits(s string) (some, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
