package rpc

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/shared/rpc/sign"
	"millrace/shared/value"
)

const (
	paramsMax   = 1000             // parameters of one request
	bodySeconds = 30 * time.Second // for a client to send its body
)

// read takes in query and body: their size first, then the media type, then the parameters of both, the query's
// first. It gives the request its id.
func (c *call) read() error {
	if err := c.readBody(); err != nil {
		return err
	}
	kind, err := c.mediaType()
	if err != nil {
		return err
	}
	list, err := sign.ParseForm(c.params.list, c.r.URL.RawQuery, paramsMax)
	c.query = len(list)
	if err == nil && kind == formBody {
		list, err = sign.ParseForm(list, c.body, paramsMax)
	}
	c.params.list = list
	if err != nil {
		return unreadable(err)
	}
	if kind == jsonBody {
		if err := c.readJSON(); err != nil {
			return err
		}
	}
	if id := first(c.params.list, "RequestId"); validRequestID(id) {
		c.requestID = id
	}
	c.identify()
	return nil
}

func unreadable(err error) error {
	return invalid("The request parameters cannot be read: %s.", cut(err.Error()))
}

// readBody reads the whole body, in bounded time and size.
func (c *call) readBody() error {
	most := c.MaxBody - int64(len(c.r.URL.RawQuery))
	if c.r.ContentLength > most || most < 0 {
		return tooLarge(c.MaxBody)
	}
	if c.r.ContentLength == 0 {
		return nil
	}
	deadline := http.NewResponseController(c.w)
	if deadline.SetReadDeadline(time.Now().Add(bodySeconds)) == nil {
		defer deadline.SetReadDeadline(time.Time{}) // a long poll must not be cut
	}
	if c.r.ContentLength > 0 {
		c.body = slices.Grow(c.body, int(c.r.ContentLength)+1)
	}
	for {
		if len(c.body) == cap(c.body) {
			c.body = slices.Grow(c.body, 4096)
		}
		n, err := c.r.Body.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+n]
		if int64(len(c.body)) > most {
			return tooLarge(c.MaxBody)
		}
		var tooMany *http.MaxBytesError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &tooMany): // a limit around this handler
			return tooLarge(tooMany.Limit)
		case err != nil:
			c.w.Header().Set("Connection", "close")
			return invalid("The request body cannot be read to its end.")
		}
	}
}

// bodyKind is how a body is read.
type bodyKind int

const (
	noBody bodyKind = iota
	formBody
	jsonBody
)

func (c *call) mediaType() (bodyKind, error) {
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

// readJSON takes one parameter of each key of a JSON object (api.md 2.1): strings as they are, numbers and booleans
// as they are written, objects and lists as JSON text. A key that is null is absent. A V1 signature does not cover
// such a body, so it is refused there.
func (c *call) readJSON() error {
	v, err := value.Decode(c.body)
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
	if c.Credentials != nil && !c.inHeaders() {
		return wrongMediaType("A V1 signature does not cover a JSON body: send the parameters as application/x-www-form-urlencoded.")
	}
	return nil
}
