package sign

import (
	"fmt"
	"net/http"
	"strings"
)

// Headers are the headers that a V3 signature covers, each in the one form in which it is signed. A
// server must take what it does from here (action, date, nonce, token, media type), not from the
// request: what it reads is then what was signed.
type Headers struct {
	text string // SignedHeaders: names in lower case and ascending order, joined by `;`
	list []Param
}

// Read takes the headers with these names, which ParseAuthorization has checked, from a request;
// host is what the Host header says, with its port. A header that is not there counts as empty.
// Read refuses a header that is there twice or breaks its line, and one that has blanks around its
// value: proxies and clients join and trim such headers in different ways, so that one signature
// would fit several requests. It uses the memory of the Headers again.
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

// canonical is the value of a header as it is signed.
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

// blank reports whether HTTP allows a byte around a value, where it means nothing.
func blank(c byte) bool { return c == ' ' || c == '\t' }

// trim removes what HTTP allows around a value, spaces and tabs, and nothing else.
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

// SetHost replaces the value of the host header, if it is signed: for a server that is reached
// under several names.
func (h *Headers) SetHost(host string) {
	for i := range h.list {
		if h.list[i].Name == "host" {
			h.list[i].Value = host
		}
	}
}

// Clear forgets the values, and keeps the memory that they were in for the next Read.
func (h *Headers) Clear() {
	clear(h.list)
	h.text, h.list = "", h.list[:0]
}

// appendTo writes the part of the canonical request that is the headers and their names.
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

// headerKeys spares the usual names of SignedHeaders a conversion.
var headerKeys = func() map[string]string {
	m := map[string]string{}
	for _, n := range []string{
		"content-type", "x-acs-accesskey-id", "x-acs-action", "x-acs-content-sha256", "x-acs-credentials-provider",
		"x-acs-date", "x-acs-security-token", "x-acs-signature-nonce", "x-acs-version",
	} {
		m[n] = http.CanonicalHeaderKey(n)
	}
	return m
}()
