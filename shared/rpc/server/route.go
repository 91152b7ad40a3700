package server

import (
	"net/http"

	"millrace/shared/fault"
	"millrace/shared/rpc"
)

// route finds the operation and checks the version. A V3 request names both in headers. Any other
// names them in parameters, because a V1 signature does not cover headers.
func (c *request) route() error {
	name, version := "", ""
	if c.header = c.inHeaders(); c.header {
		name, version = c.header3("x-acs-action", rpc.HeaderAction),
			c.header3("x-acs-version", rpc.HeaderVersion)
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
	case version == rpc.Version:
		return nil
	case version != "":
		return fault.New(fault.APIVersionNotSupported,
			"The requested API version '%s' is not supported yet. Please check.", rpc.Cut(version))
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
	return headerOf(c.r, rpc.HeaderAction) != ""
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
