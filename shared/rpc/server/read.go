package server

import (
	"errors"
	"slices"
	"strings"

	"millrace/shared/rpc"
	"millrace/shared/rpc/sign"
	"millrace/shared/value"
)

// paramsMax is the most parameters that a request may have.
const paramsMax = 1000

// read reads the query and the body before the caller is known: first the size is checked, then the
// media type, then the parameters that authentication needs are parsed. It also adopts the caller's
// request id.
//
// A V1 signature covers the parameters of query and body, so a form must be parsed; that makes at
// most one copy of it. Any other body waits for decode: a V3 signature covers its bytes, a bearer
// token covers nothing.
func (c *request) read() error {
	err := c.readBody()
	if err != nil {
		return err
	}
	if c.kind, err = c.mediaType(); err != nil {
		return err
	}
	list, err := sign.ParseForm(c.params.list, c.r.URL.RawQuery, paramsMax)
	c.query, c.params.list = len(list), list
	if err != nil {
		return unreadable(err)
	}
	if a := headerOf(c.r, "Authorization"); strings.HasPrefix(a, "ACS3-") {
		c.claimsV3 = true
		c.readSigned(a)
	}
	if err := c.acquireUnauthenticatedTurn(); err != nil {
		return err
	}
	switch {
	case c.kind == formBody && (!c.claimsV3 || c.Credentials == nil),
		c.kind == jsonBody && c.Credentials == nil:
		if err := c.decode(); err != nil {
			return err
		}
	case c.kind == jsonBody && !c.inHeaders():
		return wrongMediaType("A V1 signature does not cover a JSON body: " +
			"send the parameters as application/x-www-form-urlencoded.")
	}
	c.adoptRequestID()
	return nil
}

// decode parses the parameters of the body, unless read has done so.
func (c *request) decode() error {
	kind := c.kind
	c.kind = noBody
	switch kind {
	case formBody:
		list, err := sign.ParseForm(c.params.list, c.body, paramsMax)
		c.params.list = list
		if err != nil {
			return unreadable(err)
		}
	case jsonBody:
		if err := c.readJSON(); err != nil {
			return err
		}
	default:
		return nil
	}
	c.adoptRequestID()
	if c.claimsV3 && c.Credentials != nil && first(c.params.list, "Signature") != "" {
		return signatureNotMatch() // ambiguous: two signatures
	}
	return nil
}

// adoptRequestID uses the caller's own request id, if it is valid (docs/api.md#responses).
func (c *request) adoptRequestID() {
	if c.requestID != "" {
		return
	}
	if id := first(c.params.list, "RequestId"); validRequestID(id) {
		c.requestID = id
	}
}

func unreadable(err error) error {
	return invalid("The request parameters cannot be read: %s.", rpc.Cut(err.Error()))
}

// bodyKind says how a body is parsed.
type bodyKind int

const (
	noBody bodyKind = iota
	formBody
	jsonBody
)

func (c *request) mediaType() (bodyKind, error) {
	if len(c.body) == 0 {
		return noBody, nil
	}
	if e := c.r.Header["Content-Encoding"]; len(e) > 0 && !strings.EqualFold(e[0], "identity") {
		return 0, wrongMediaType("The body must not be compressed.")
	}
	var kind string
	if t := c.r.Header["Content-Type"]; len(t) > 0 {
		kind, _, _ = strings.Cut(t[0], ";")
		kind = strings.TrimSpace(kind)
	}
	switch {
	case kind == "" || strings.EqualFold(kind, "application/x-www-form-urlencoded"):
		return formBody, nil
	case strings.EqualFold(kind, "application/json"):
		return jsonBody, nil
	}
	return 0, wrongMediaType(
		"Send the parameters in the query, or in the body as application/x-www-form-urlencoded.")
}

// Memory that a decoded JSON body may take, in bytes. Parameters are strings, so an honest body has
// few values.
const (
	jsonMemory  = 8 << 20
	jsonExpands = 70       // times its length, at most
	jsonFree    = 64 << 10 // not charged to the budget
)

// readJSON turns each key of a JSON object into a parameter (docs/api.md#requests): strings as they
// are, numbers and booleans as written, objects and lists as JSON text. A null is an absent
// parameter.
func (c *request) readJSON() error {
	if memoryMax := min(jsonExpands*len(c.body), jsonMemory); memoryMax > jsonFree {
		if err := c.holdBody(int64(cap(c.body) + memoryMax)); err != nil {
			return err
		}
	}
	v, err := value.DecodeWithin(c.body, jsonMemory)
	if errors.Is(err, value.ErrMemory) {
		return invalid("The request body has too many JSON values; send Input, Output and other " +
			"JSON as texts.")
	}
	if err != nil {
		return invalid("The request body is not JSON: %s.", rpc.Cut(err.Error()))
	}
	object, ok := v.(map[string]any)
	if !ok {
		return invalid("The request body must be a JSON object.")
	}
	if len(c.params.list)+len(object) > paramsMax {
		return unreadable(sign.ErrTooMany)
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch v := object[name].(type) {
		case nil:
		case string:
			c.params.list = append(c.params.list, sign.Param{Name: name, Value: v})
		default:
			c.params.list = append(c.params.list,
				sign.Param{Name: name, Value: string(value.Encode(v))})
		}
	}
	return nil
}
