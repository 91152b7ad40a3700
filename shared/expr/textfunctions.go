package expr

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// format replaces each {} of a template by the next argument: a string as it is, any other value as
// JSON. \{, \} and \\ stand for the character after the backslash. A brace without its partner
// stands for itself.
func format(b *Budget, args []any) (any, error) {
	template, err := wantString("format", "first", args[0])
	if err != nil {
		return nil, err
	}
	if err := b.scan(len(template)); err != nil {
		return nil, err
	}
	args = args[1:]
	text := make([]byte, 0, len(template)+16)
	holes := 0
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(`{}\`, template[i+1]) >= 0:
			i++
			text = append(text, template[i])
		case c == '{' && i+1 < len(template) && template[i+1] == '}':
			i++
			if holes++; holes > len(args) {
				continue // counted for the message
			}
			if text, err = appendFilling(text, args[holes-1], b); err != nil {
				return nil, err
			}
		default:
			text = append(text, c)
		}
	}
	if holes != len(args) {
		return nil, failf("the template of format has %d {} for %d arguments", holes, len(args))
	}
	return b.text(string(text))
}

// appendFilling appends the text that replaces a {}.
func appendFilling(text []byte, v any, b *Budget) ([]byte, error) {
	if s, ok := v.(string); ok {
		if err := b.grow(len(s)); err != nil {
			return nil, err
		}
		return append(text, s...), b.scan(len(s))
	}
	return b.appendJSON(text, v)
}

func split(b *Budget, x, y any) (any, error) {
	text, err := wantString("split", "first", x)
	if err != nil {
		return nil, err
	}
	delimiter, err := wantString("split", "second", y)
	if err != nil {
		return nil, err
	}
	if delimiter == "" {
		return nil, failf("the delimiter of split is empty")
	}
	if err := b.scan(2*len(text) + len(delimiter)); err != nil { // counted first, then split
		return nil, err
	}
	n := strings.Count(text, delimiter) + 1
	// The headers of the strings, in addition to the elements.
	if err := b.grow(n * elementBytes); err != nil {
		return nil, err
	}
	parts, err := b.array(n)
	if err != nil {
		return nil, err
	}
	for more := true; more; {
		var part string
		part, text, more = strings.Cut(text, delimiter)
		parts = append(parts, part)
	}
	return parts, nil
}

// hashes are the algorithms of hash by their exact names.
var hashes = map[string]func(text []byte) []byte{
	"MD5":     func(t []byte) []byte { sum := md5.Sum(t); return sum[:] },
	"SHA-1":   func(t []byte) []byte { sum := sha1.Sum(t); return sum[:] },
	"SHA-256": func(t []byte) []byte { sum := sha256.Sum256(t); return sum[:] },
	"SHA-512": func(t []byte) []byte { sum := sha512.Sum512(t); return sum[:] },
}

func hash(b *Budget, x, y any) (any, error) {
	text, err := wantString("hash", "first", x)
	if err != nil {
		return nil, err
	}
	name, err := wantString("hash", "second", y)
	if err != nil {
		return nil, err
	}
	sum, ok := hashes[name]
	if !ok {
		return nil, failf("unknown algorithm %s: hash takes MD5, SHA-1, SHA-256 or SHA-512",
			value.Quote(name))
	}
	if err := b.scan(4 * len(text)); err != nil {
		return nil, err
	}
	if err := b.grow(len(text)); err != nil {
		return nil, err
	}
	return b.text(hex.EncodeToString(sum([]byte(text))))
}

func toBase64(b *Budget, x any) (any, error) {
	text, err := wantString("toBase64", "first", x)
	if err != nil {
		return nil, err
	}
	if err := b.grow(base64.StdEncoding.EncodedLen(len(text))); err != nil {
		return nil, err
	}
	if err := b.scan(2 * len(text)); err != nil {
		return nil, err
	}
	return b.text(base64.StdEncoding.EncodeToString([]byte(text)))
}

func fromBase64(b *Budget, x any) (any, error) {
	text, err := wantString("fromBase64", "first", x)
	if err != nil {
		return nil, err
	}
	if err := b.grow(len(text)); err != nil {
		return nil, err
	}
	if err := b.scan(2 * len(text)); err != nil {
		return nil, err
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return nil, failf("fromBase64: the text is not base64")
	case !utf8.Valid(decoded):
		return nil, failf("fromBase64: the decoded bytes are not UTF-8")
	}
	return b.text(string(decoded))
}

func jsonToString(b *Budget, x any) (any, error) {
	text, err := b.appendJSON(nil, x)
	if err != nil {
		return nil, err
	}
	return b.text(string(text))
}

func stringToJSON(b *Budget, x any) (any, error) {
	text, err := wantString("stringToJson", "first", x)
	if err != nil {
		return nil, err
	}
	return b.decode(text)
}
