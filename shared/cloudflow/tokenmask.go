package cloudflow

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// mask masks the task tokens of a text if the caller may not see them.
func (v visibility) mask(s string) string {
	if v.tokens {
		return s
	}
	return maskTokens(s)
}

// maskedToken replaces a task token. A reader who may not report could pass the token on.
const maskedToken = "(task token: readers need fnf:ReportTaskSucceeded and fnf:ReportTaskFailed)"

// tokenStart begins every task token: base64 of "v1#".
const tokenStart = "djEj"

// maskTokens masks the task tokens of a text, which need not be JSON. It finds every intact token,
// whatever text surrounds it. It does not find a token that a flow has transformed, for example
// reversed or encoded in base64.
func maskTokens(text string) string {
	if strings.Contains(text, `\`) {
		if canonical, err := value.Canonical([]byte(text)); err == nil {
			text = string(canonical)
		}
	}
	if strings.Contains(text, `\u00`) {
		// An escape can hide any character of a token, also in JSON text inside JSON text.
		if masked, found := maskPlain(escapedLetter.ReplaceAllStringFunc(text, unescape)); found {
			return masked
		}
	}
	masked, _ := maskPlain(text)
	return masked
}

// maskPlain masks the tokens of a text whose tokens have no escapes. It masks every following
// character that a token can contain, because text directly after a token cannot be distinguished
// from it.
func maskPlain(text string) (masked string, found bool) {
	var b strings.Builder
	from := 0 // start of the text that b does not have yet
	for at := 0; ; {
		next := strings.Index(text[at:], tokenStart)
		if next < 0 {
			break
		}
		if at += next; !isToken(text[at:]) {
			// A token may begin inside a false one.
			at++
			continue
		}
		b.WriteString(text[from:at])
		b.WriteString(maskedToken)
		at += tokenEnd(text[at:])
		from, found = at, true
	}
	if !found {
		return text, false
	}
	b.WriteString(text[from:])
	return b.String(), true
}

// tokenEnd returns how many leading characters of text can belong to a token. Tokens are base64 of
// ASCII without '>', '?' and '~', so they contain only letters, digits and padding.
func tokenEnd(text string) int {
	n := 0
	for n < len(text) && isAlphanumeric(text[n]) {
		n++
	}
	for padding := 0; padding < 2 && n < len(text) && text[n] == '='; padding++ {
		n++
	}
	return n
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// isToken reports whether a text that begins with tokenStart continues as a task token: with the
// name of a flow and "#". The rest of the token may have been cut off.
func isToken(text string) bool {
	var name [flow.ErrorNameMax + 3]byte
	n := 0
	for at := len(tokenStart); at+4 <= len(text) && n+3 <= len(name); at += 4 {
		if _, err := base64.StdEncoding.Decode(name[n:], []byte(text[at:at+4])); err != nil {
			return false
		}
		if n == 0 && !flow.ValidName(string(name[:1])) {
			return false // return early: a text may contain many false tokens
		}
		n += 3
		if end := bytes.IndexByte(name[n-3:n], '#'); end >= 0 {
			return flow.ValidName(string(name[:n-3+end]))
		}
	}
	return false
}

// escapedLetter matches a JSON escape of a character that tokens may have, in a text that was
// embedded in JSON any number of times.
var escapedLetter = regexp.MustCompile(`\\+u00[3-7][0-9A-Fa-f]`)

// unescape returns the character of an escape if tokens can contain it, else the escape itself.
func unescape(escape string) string {
	c, err := strconv.ParseUint(escape[len(escape)-2:], 16, 8)
	if err != nil || !isAlphanumeric(byte(c)) && c != '=' {
		return escape
	}
	return string(rune(c))
}
