package rpc

import (
	"net/http"

	"millrace/shared/fault"
)

// The headers of V3, in the canonical form of net/http.
const (
	headerAction      = "X-Acs-Action"
	headerVersion     = "X-Acs-Version"
	headerDate        = "X-Acs-Date"
	headerNonce       = "X-Acs-Signature-Nonce"
	headerContentHash = "X-Acs-Content-Sha256"
	headerToken       = "X-Acs-Security-Token"
	headerBearer      = "X-Acs-Bearer-Token"
)

// route finds the operation and checks the version. A V3 request names both in headers. Any other
// names them in parameters, because a V1 signature does not cover headers.
func (c *request) route() error {
	name, version := "", ""
	if c.header = c.inHeaders(); c.header {
		name, version = c.header3("x-acs-action", headerAction),
			c.header3("x-acs-version", headerVersion)
		if name == "" {
			return missingHeader("x-acs-action")
		}
	} else {
		name, version = c.params.str("Action"), c.params.str("Version")
		if name == "" {
			return missingParam("Action")
		}
	}
	op, ok := operations[name]
	if !ok {
		return unknownOperation(name)
	}
	c.operation = op
	switch {
	case version == apiVersion:
		return nil
	case version != "":
		return fault.New(fault.APIVersionNotSupported,
			"The requested API version '%s' is not supported yet. Please check.", cut(version))
	case c.header:
		return missingHeader("x-acs-version")
	}
	return missingParam("Version")
}

// inHeaders reports whether the request is in the style of V3: it claims a V3 signature, or it is
// unsigned (anonymous or bearer) and has no V1 parameters.
func (c *request) inHeaders() bool {
	if c.claimsV3 {
		return true
	}
	for i := range c.params.list {
		switch c.params.list[i].Name {
		case "Action", "AccessKeyId", "Signature":
			return false
		}
	}
	return headerOf(c.r, headerAction) != ""
}

// header3 returns the value of a V3 header, given its name in lower case and in canonical form. If
// the signature covers it, the signed value is returned.
func (c *request) header3(name, key string) string {
	if v, ok := c.signed.Headers.Get(name); ok {
		return v
	}
	return headerOf(c.r, key)
}

// headerOf returns the value of a header, given its canonical name; "" if it is absent.
func headerOf(r *http.Request, name string) string {
	if v := r.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
