package yamldoc

import (
	"fmt"
	"regexp"
	"strings"
)

// yaml11Booleans are the booleans of YAML 1.1. Editors and older tools treat them as booleans; in
// YAML 1.2 they are strings.
var yaml11Booleans = map[string]string{
	"yes": "true", "Yes": "true", "YES": "true", "on": "true", "On": "true", "ON": "true",
	"no": "false", "No": "false", "NO": "false", "off": "false", "Off": "false", "OFF": "false",
}

var (
	// yaml11Number matches the numbers that only YAML 1.1 has: base 2, digits in groups, base 60.
	yaml11Number = regexp.MustCompile(
		`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$`)
	// leadingZero matches numbers that are often identifiers, such as order numbers and postal
	// codes.
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9]`)
	// wideBlank finds characters that look like blanks but are none in YAML.
	wideBlank = regexp.MustCompile(`^[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]|` +
		`[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]($|#)|:[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]`)
)

// ambiguity returns a warning if readers may understand an unquoted scalar differently than the
// parser does; "" otherwise.
func ambiguity(text string, node *Node) (message, hint string) {
	switch node.Kind {
	case Number:
		if leadingZero.MatchString(text) {
			return fmt.Sprintf("%s is the number %s", short(text), short(node.Text)),
				"put it in quotes if its zeros count"
		}
		if strings.HasPrefix(text, "0o") {
			return fmt.Sprintf("%s is the number %s here, and text in YAML 1.1", short(text),
					short(node.Text)),
				"write the number as a decimal one"
		}
	case String:
		if truth := yaml11Booleans[text]; truth != "" {
			return fmt.Sprintf("%s is text here, and the boolean %s in YAML 1.1", text, truth),
				"write " + truth + ", or put it in quotes if text is meant"
		}
		if yaml11Number.MatchString(text) {
			return short(text) + " is text here, and a number in YAML 1.1",
				"put it in quotes if text is meant"
		}
		if wideBlank.MatchString(text) {
			return fmt.Sprintf("%+q holds a blank that YAML takes for text", short(text)),
				"write an ordinary blank, or put the value in quotes"
		}
	}
	return "", ""
}
