package rpc

import (
	"net/http"

	"millrace/shared/fault"
)

// The headers of V3, as net/http spells them.
const (
	headerAction      = "X-Acs-Action"
	headerVersion     = "X-Acs-Version"
	headerDate        = "X-Acs-Date"
	headerNonce       = "X-Acs-Signature-Nonce"
	headerContentHash = "X-Acs-Content-Sha256"
	headerToken       = "X-Acs-Security-Token"
	headerBearer      = "X-Acs-Bearer-Token"
)

// route finds the operation and checks the version. A V3 request names both in headers, any other in parameters, since
// V1 does not cover headers.
func (c *request) route() error {
	name, version := "", ""
	if c.header = c.inHeaders(); c.header {
		name, version = c.header3("x-acs-action", headerAction), c.header3("x-acs-version", headerVersion)
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
		return fault.New(fault.APIVersionNotSupported, "The requested API version '%s' is not supported yet. Please check.", cut(version))
	case c.header:
		return missingHeader("x-acs-version")
	}
	return missingParam("Version")
}

// inHeaders reports whether the request is of the V3 kind: signed so, or unsigned (anonymous,
// bearer) with nothing of V1 among its parameters.
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

// header3 is the value of a header of V3, named in lower case and as net/http spells it: as it was
// signed, if it was.
func (c *request) header3(name, key string) string {
	if v, ok := c.signed.Headers.Get(name); ok {
		return v
	}
	return headerOf(c.r, key)
}

// headerOf gives the value of a header that is spelled as net/http does, "" when it is absent.
func headerOf(r *http.Request, name string) string {
	if v := r.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
