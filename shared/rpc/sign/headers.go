package sign

import (
	"fmt"
	"net/http"
	"strings"
)

// Headers are the headers that a V3 signature covers, each in the one form in which it is signed. A server must take what
// it does from here (action, date, nonce, token, media type), not from the request: what it reads is then what was signed.
type Headers struct {
	names  string   // in lower case and ascending order, joined by `;`
	values []string // in the order of names
}

// Read takes the headers with these names, which ParseAuthorization has checked, from a request; host is what the Host
// header says, with its port. A header that is not there counts as empty. Read refuses a header that is there twice or
// holds control characters, and one that has blanks around it: proxies and clients join and trim such headers in
// different ways, so that one signature would fit several requests. It uses the memory of the Headers again.
func (h *Headers) Read(names, host string, header http.Header) error {
	h.names, h.values = names, h.values[:0]
	for rest, more := names, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		v, err := canonical(name, host, header)
		if err != nil {
			h.Clear()
			return err
		}
		h.values = append(h.values, v)
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
	if trim(v) != v {
		return "", fmt.Errorf("the signed header '%s' has blanks around its value", name)
	}
	for i := 0; i < len(v); i++ {
		if v[i] < ' ' && v[i] != '\t' {
			return "", fmt.Errorf("the signed header '%s' has a control character", name)
		}
	}
	return v, nil
}

// trim removes what HTTP allows around a value, spaces and tabs, and nothing else.
func trim(s string) string { return strings.Trim(s, " \t") }

// Get returns the value of a signed header, named in lower case, and whether the signature covers it.
func (h *Headers) Get(name string) (value string, signed bool) {
	for i, rest, more := 0, h.names, true; more && i < len(h.values); i++ {
		var n string
		if n, rest, more = strings.Cut(rest, ";"); n == name {
			return h.values[i], true
		}
	}
	return "", false
}

// SetHost replaces the value of the host header, if it is signed: for a server that is reached under several names.
func (h *Headers) SetHost(host string) {
	for i, rest, more := 0, h.names, true; more && i < len(h.values); i++ {
		var n string
		if n, rest, more = strings.Cut(rest, ";"); n == "host" {
			h.values[i] = host
		}
	}
}

// Clear forgets the values, and keeps the memory that they were in for the next Read.
func (h *Headers) Clear() {
	clear(h.values)
	h.names, h.values = "", h.values[:0]
}

// appendTo writes the part of the canonical request that is the headers and their names.
func (h *Headers) appendTo(dst []byte) []byte {
	for i, rest := 0, h.names; i < len(h.values); i++ {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = append(dst, h.values[i]...)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	return append(dst, h.names...)
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
