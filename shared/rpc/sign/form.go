// Package sign implements the two signature families of the CloudFlow wire, V1 (HMAC-SHA1 in
// parameters) and V3 (ACS3-HMAC-SHA256 in a header), and the form encoding that they sign. Server
// and client share it, so that the server can verify what the client computes
// (docs/api.md#signatures).
package sign

import (
	"errors"
	"fmt"
	"strings"
)

// Param is one decoded parameter of a query or a form.
type Param struct{ Name, Value string }

// ErrTooMany means that a form has more parameters than the caller allows.
var ErrTooMany = errors.New("too many parameters")

// ParseForm decodes text, a query or a form body, and appends its parameters to dst in their order.
// A name that occurs twice is two parameters. `+` and `%20` both mean a space. ParseForm returns an
// error for a percent sign without two hex digits, and ErrTooMany if dst would hold more than
// paramsMax parameters. If text is a []byte, no string of the result shares its memory.
func ParseForm[T string | []byte](dst []Param, text T, paramsMax int) ([]Param, error) {
	for at := 0; at < len(text); {
		end, equals := at, -1
		for ; end < len(text) && text[end] != '&'; end++ {
			if text[end] == '=' && equals < 0 {
				equals = end
			}
		}
		if end > at {
			if len(dst) >= paramsMax {
				return dst, ErrTooMany
			}
			p, err := parsePair(text[at:end], equals-at)
			if err != nil {
				return dst, err
			}
			dst = append(dst, p)
		}
		at = end + 1
	}
	return dst, nil
}

// parsePair decodes `name=value`. equals is the position of the first `=`; negative if there is
// none.
func parsePair[T string | []byte](pair T, equals int) (Param, error) {
	name, value := pair, pair[len(pair):]
	if equals >= 0 {
		name, value = pair[:equals], pair[equals+1:]
	}
	n, ok := known[string(name)]
	if !ok {
		var err error
		if n, err = unescape(name); err != nil {
			return Param{}, err
		}
	}
	v, err := unescape(value)
	return Param{n, v}, err
}

// known holds the names that nearly every request has, so that reading them does not allocate.
var known = func() map[string]string {
	m := map[string]string{}
	for _, n := range []string{
		"AccessKeyId", "Action", "BearerToken", "Format", "RegionId", "RequestId", "SecurityToken",
		"Signature", "SignatureMethod", "SignatureNonce", "SignatureType", "SignatureVersion",
		"Timestamp", "Version", "Cause", "CallbackFnFTaskToken", "Definition", "Description",
		"Environment", "Error", "ExecutionName", "FlowName", "Input", "Limit", "Name", "NextToken",
		"Output", "Qualifier", "RoleArn", "RoutingConfigurations", "Status", "TaskToken", "Type",
		"WaitTimeSeconds",
	} {
		m[n] = n
	}
	return m
}()

func unescape[T string | []byte](s T) (string, error) {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] == '%' || s[i] == '+' {
			plain = false
			break
		}
	}
	if plain {
		return string(s), nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 >= len(s) || unhex(s[i+1]) > 15 || unhex(s[i+2]) > 15 {
				return "", fmt.Errorf("%q is no percent-encoding", string(s[i:min(i+3, len(s))]))
			}
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// unhex returns the value of a hex digit; a value above 15 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// AppendForm appends params as a query or a form body, percent-encoded according to RFC 3986.
func AppendForm(dst []byte, params []Param) []byte {
	for i, p := range params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = AppendEscaped(dst, p.Name)
		dst = append(dst, '=')
		dst = AppendEscaped(dst, p.Value)
	}
	return dst
}

const upperHex = "0123456789ABCDEF"

// AppendEscaped appends s percent-encoded: letters, digits and `-_.~` stay, every other byte
// becomes `%XX`.
func AppendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// appendEscapedTwice appends s escaped twice, in one pass.
func appendEscapedTwice(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', '2', '5', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

var unreserved = func() (t [256]bool) {
	for c := range t {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~'
	}
	return t
}()
