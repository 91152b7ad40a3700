package source

import (
	"fmt"
	"regexp"
	"strings"
)

// yaml11Booleans are booleans of YAML 1.1. Highlighting editors and older tools show them as such; YAML
// 1.2 has them as text.
var yaml11Booleans = map[string]string{
	"yes": "true", "Yes": "true", "YES": "true", "on": "true", "On": "true", "ON": "true",
	"no": "false", "No": "false", "NO": "false", "off": "false", "Off": "false", "OFF": "false",
}

var (
	// yaml11Number are the numbers that YAML 1.1 alone has: base 2, groups of digits, base 60.
	yaml11Number = regexp.MustCompile(`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$`)
	// leadingZero are numbers that are often names: numbers of orders, parcels, places.
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9]`)
	// wideBlank finds blanks that YAML does not take for one, where a reader would.
	wideBlank = regexp.MustCompile(`^[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]|` +
		`[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]($|#)|:[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]`)
)

// ambiguity says how an unquoted scalar may be meant otherwise than it is read; "" for most.
func ambiguity(text string, node *Node) (message, hint string) {
	switch node.Kind {
	case Number:
		if leadingZero.MatchString(text) {
			return fmt.Sprintf("%s is the number %s", short(text), short(node.Text)),
				"put it in quotes if its zeros count"
		}
		if strings.HasPrefix(text, "0o") {
			return fmt.Sprintf("%s is the number %s here, and text in YAML 1.1", short(text), short(node.Text)),
				"write the number as a decimal one"
		}
	case String:
		if truth := yaml11Booleans[text]; truth != "" {
			return fmt.Sprintf("%s is text here, and the boolean %s in YAML 1.1", text, truth),
				"write " + truth + ", or put it in quotes if text is meant"
		}
		if yaml11Number.MatchString(text) {
			return short(text) + " is text here, and a number in YAML 1.1", "put it in quotes if text is meant"
		}
		if wideBlank.MatchString(text) {
			return fmt.Sprintf("%+q holds a blank that YAML takes for text", short(text)),
				"write an ordinary blank, or put the value in quotes"
		}
	}
	return "", ""
}
