package sign

import (
	"fmt"
	"net/http"
	"strings"
)

// Headers holds the headers that a V3 signature covers, in the exact form that is signed. A server
// must read action, date, nonce, token and media type from here, not from the request: then it uses
// what was signed.
type Headers struct {
	text string // SignedHeaders: names in lower case and ascending order, joined by `;`
	list []Param
}

// Read takes the headers with these names from a request; ParseAuthorization must have checked the
// names. host is the Host header with its port. A missing header counts as empty. Read returns an
// error for a header that is repeated, has a line break, or has blanks around its value: proxies
// and clients join and trim such headers in different ways, so one signature would fit several
// requests. Read reuses the memory of h.
func (h *Headers) Read(names, host string, header http.Header) error {
	h.text, h.list = names, h.list[:0]
	for rest, more := names, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		v, err := canonical(name, host, header)
		if err != nil {
			h.Clear()
			return err
		}
		h.list = append(h.list, Param{name, v})
	}
	return nil
}

// canonical returns the value of a header as it is signed.
func canonical(name, host string, header http.Header) (string, error) {
	v := host
	if name != "host" {
		key, ok := headerKeys[name]
		if !ok {
			key = http.CanonicalHeaderKey(name)
		}
		switch list := header[key]; len(list) {
		case 0:
			return "", nil
		case 1:
			v = list[0]
		default:
			return "", fmt.Errorf("the signed header '%s' is there %d times", name, len(list))
		}
	}
	if len(v) > 0 && (blank(v[0]) || blank(v[len(v)-1])) {
		return "", fmt.Errorf("the signed header '%s' has blanks around its value", name)
	}
	if strings.IndexByte(v, '\n') >= 0 || strings.IndexByte(v, '\r') >= 0 {
		return "", fmt.Errorf("the signed header '%s' has more than one line", name)
	}
	return v, nil
}

// blank reports whether c is a byte that HTTP ignores around a value.
func blank(c byte) bool { return c == ' ' || c == '\t' }

// trim removes the spaces and tabs that HTTP ignores around a value, and nothing else.
func trim(s string) string { return strings.Trim(s, " \t") }

// Get returns the value of a signed header, named in lower case, and whether the signature covers
// it.
func (h *Headers) Get(name string) (value string, signed bool) {
	for i := range h.list {
		if h.list[i].Name == name {
			return h.list[i].Value, true
		}
	}
	return "", false
}

// SetHost replaces the value of the host header, if it is signed. It serves servers with several
// names.
func (h *Headers) SetHost(host string) {
	for i := range h.list {
		if h.list[i].Name == "host" {
			h.list[i].Value = host
		}
	}
}

// Clear removes the values. It keeps their memory for the next Read.
func (h *Headers) Clear() {
	clear(h.list)
	h.text, h.list = "", h.list[:0]
}

// appendTo appends the headers and their names, which are a part of the canonical request.
func (h *Headers) appendTo(dst []byte) []byte {
	for i := range h.list {
		dst = append(dst, h.list[i].Name...)
		dst = append(dst, ':')
		dst = append(dst, h.list[i].Value...)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	return append(dst, h.text...)
}

// headerKeys caches the canonical form of common header names.
var headerKeys = func() map[string]string {
	m := map[string]string{}
	for _, n := range []string{
		"content-type", "x-acs-accesskey-id", "x-acs-action", "x-acs-content-sha256",
		"x-acs-credentials-provider", "x-acs-date", "x-acs-security-token", "x-acs-signature-nonce",
		"x-acs-version",
	} {
		m[n] = http.CanonicalHeaderKey(n)
	}
	return m
}()
