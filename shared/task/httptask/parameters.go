package httptask

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/value"
)

// httpCall contains the evaluated parameters of one request.
type httpCall struct {
	method string
	url    string
	header http.Header
	body   []byte
}

// methods are the valid values of `method`, which is compared without case.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete,
	http.MethodHead,
}

// reservedHeaders are the headers of the connection and of the engine. A flow's values for them are
// ignored. Accept-Encoding is one of them, because the client decompresses the responses for which
// it has set this header itself.
var reservedHeaders = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Keep-Alive": true,
	"Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true,
	"Upgrade":           true, "X-Fnf-Http-Callback-Task-Token": true,
	"X-Fnf-Idempotency-Key": true,
}

// parse reads the parameters of HTTP:Request: url, method, body, headers.
func parse(r *task.Request) (*httpCall, error) {
	if len(r.Parameters) == 0 {
		return nil, errors.New("url and method are required")
	}
	tree, err := r.Tree, error(nil)
	if tree == nil {
		tree, err = value.Decode(r.Parameters)
	}
	p, ok := tree.(map[string]any)
	if err != nil || !ok {
		return nil, errors.New("parameters must be an object, and headers an object in it")
	}
	headers, ok := p["headers"].(map[string]any)
	if !ok && p["headers"] != nil {
		return nil, errors.New("parameters must be an object, and headers an object in it")
	}
	c := &httpCall{header: make(http.Header, len(headers)+4)}
	if c.url, err = address(p["url"]); err != nil {
		return nil, err
	}
	if c.method, err = method(p["method"]); err != nil {
		return nil, err
	}
	for name, v := range headers {
		if err := c.set(name, v); err != nil {
			return nil, err
		}
	}
	c.setBody(p["body"])
	return c, nil
}

// setBody sets the body: a string as it is, any other value as JSON.
func (c *httpCall) setBody(body any) {
	switch body := body.(type) {
	case nil:
	case string:
		c.body = []byte(body)
	default:
		c.body = value.Encode(body)
		if c.header.Get("Content-Type") == "" {
			c.header.Set("Content-Type", "application/json")
		}
	}
	if c.header.Get("User-Agent") == "" {
		c.header.Set("User-Agent", httpclient.UserAgent)
	}
}

// address validates the url: absolute, http or https, with a host.
func address(v any) (string, error) {
	s, _ := v.(string)
	if s == "" {
		return "", errors.New("url is required, a string")
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New("url must be an absolute http or https address")
	}
	return s, nil
}

// method validates the method and returns it in upper case.
func method(v any) (string, error) {
	s, _ := v.(string)
	if s == "" {
		return "", errors.New("method is required, a string")
	}
	for _, m := range methods {
		if strings.EqualFold(m, s) {
			return m, nil
		}
	}
	return "", fmt.Errorf("method must be one of %s, not %q", strings.Join(methods, ", "),
		value.Cut(s, 40))
}

// set sets one header of the flow. null counts as absent; a number or a boolean is converted to
// text.
func (c *httpCall) set(name string, v any) error {
	if !isToken(name) {
		return fmt.Errorf("%q is no header name", value.Cut(name, 100))
	}
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case bool, value.Number:
		text = fmt.Sprint(v)
	default:
		return fmt.Errorf("the value of header %q must be a string", name)
	}
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' && text[i] != '\t' || text[i] == 0x7f {
			return fmt.Errorf("the value of header %q holds a control character", name)
		}
	}
	if name = http.CanonicalHeaderKey(name); !reservedHeaders[name] {
		c.header.Set(name, text)
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, as header names are.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
