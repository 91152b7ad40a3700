package rpc

import (
	"errors"
	"slices"
	"strings"

	"millrace/shared/rpc/sign"
	"millrace/shared/value"
)

// paramsMax bounds the parameters of one request.
const paramsMax = 1000

// read takes in query and body, of a caller who is not known yet: their size first, then the media
// type, then the parameters that it takes to know the caller. It gives the request the id that its
// caller has chosen for it.
//
// A V1 signature covers parameters wherever they are, so a form is parsed; that makes at most a
// copy of it. Whatever else is in the body waits for decode: V3 covers its bytes, a bearer token
// none of it.
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

// decode takes in the parameters of the body, unless that is done.
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
		return signatureNotMatch() // which of the two would count?
	}
	return nil
}

// adoptRequestID gives the request the id that its caller has chosen (api.md 3.5).
func (c *request) adoptRequestID() {
	if c.requestID != "" {
		return
	}
	if id := first(c.params.list, "RequestId"); validRequestID(id) {
		c.requestID = id
	}
}

func unreadable(err error) error {
	return invalid("The request parameters cannot be read: %s.", cut(err.Error()))
}

// bodyKind is how a body is read.
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
	return 0, wrongMediaType("Send the parameters in the query, or in the body as application/x-www-form-urlencoded.")
}

// What a JSON body may take once it is decoded, in bytes. Parameters are texts, so one that is
// meant has few values.
const (
	jsonMemory  = 8 << 20
	jsonExpands = 70       // times its length, at most
	jsonFree    = 64 << 10 // is not charged
)

// readJSON takes one parameter of each key of a JSON object (api.md 2.1): strings as they are, numbers and booleans
// as they are written, objects and lists as JSON text. A key that is null is absent.
func (c *request) readJSON() error {
	if most := min(jsonExpands*len(c.body), jsonMemory); most > jsonFree {
		if err := c.holdBody(int64(cap(c.body) + most)); err != nil {
			return err
		}
	}
	v, err := value.DecodeWithin(c.body, jsonMemory)
	if errors.Is(err, value.ErrMemory) {
		return invalid("The request body has too many JSON values; send Input, Output and other JSON as texts.")
	}
	if err != nil {
		return invalid("The request body is not JSON: %s.", cut(err.Error()))
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
			c.params.list = append(c.params.list, sign.Param{Name: name, Value: string(value.Encode(v))})
		}
	}
	return nil
}
