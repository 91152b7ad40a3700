package events

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/textproto"
	"net/url"
	"strings"

	"millrace/shared/value"
)

// Form is the format of an HTTP request's event and of its response.
type Form uint8

// The forms.
const (
	FormV1 Form = iota + 1 // REST API of API Gateway
	FormV2                 // HTTP API of API Gateway, and function URLs
	FormFC                 // HTTP trigger of Function Compute
)

// HTTP is an HTTP request as the client sent it.
type HTTP struct {
	Form   Form
	Method string
	Path   string // without the stage of a gateway; decoded only with FormV1
	// As sent if the form keeps it (FormV2), else encoded again in the order of the event.
	RawQuery  string
	Host      string // as the client sent it: a V3 signature covers it
	Header    map[string][]string
	Body      []byte // unchanged: a signature covers it
	SourceIP  string
	RequestID string // of the gateway
}

// httpEvent has the members of all forms.
type httpEvent struct {
	Version               string              `json:"version"`
	HTTPMethod            string              `json:"httpMethod"`
	Path                  string              `json:"path"`
	RawPath               string              `json:"rawPath"`
	RawQueryString        string              `json:"rawQueryString"`
	Cookies               []string            `json:"cookies"`
	Headers               map[string]string   `json:"headers"`
	MultiValueHeaders     map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters pairs               `json:"queryStringParameters"`
	MultiValueQuery       pairs               `json:"multiValueQueryStringParameters"`
	// Of FC: values of one name, joined by a comma.
	QueryParameters pairs  `json:"queryParameters"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
	RequestContext  struct {
		Stage      string `json:"stage"`
		DomainName string `json:"domainName"`
		RequestID  string `json:"requestId"`
		HTTP       struct {
			Method   string `json:"method"`
			Path     string `json:"path"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
	} `json:"requestContext"`
}

// DecodeHTTP decodes a request of an HTTP API (2.0), a REST API (1.0), a function URL or an HTTP
// trigger.
func DecodeHTTP(event []byte) (*HTTP, error) {
	if err := expect(event, HTTPRequest); err != nil {
		return nil, err
	}
	var e httpEvent
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return nil, malformed("the HTTP request cannot be read: %v", err)
	}
	h := &HTTP{Header: map[string][]string{}, RequestID: e.RequestContext.RequestID}
	switch {
	case e.HTTPMethod != "":
		h.v1(&e)
	case e.Version == "v1":
		h.v2(&e)
		h.Form, h.RawQuery = FormFC, e.QueryParameters.encode()
	default:
		h.v2(&e)
	}
	h.host(&e)
	if h.Method == "" {
		return nil, malformed("the HTTP request has no method")
	}
	if !strings.HasPrefix(h.Path, "/") {
		h.Path = "/" + h.Path
	}
	var err error
	if h.Body, err = e.body(); err != nil {
		return nil, err
	}
	return h, nil
}

// v1 reads the request of a REST API. The path is without its stage.
func (h *HTTP) v1(e *httpEvent) {
	h.Form, h.Method, h.Path, h.SourceIP = FormV1, e.HTTPMethod, e.Path,
		e.RequestContext.Identity.SourceIP
	query := e.MultiValueQuery
	if len(query) == 0 {
		query = e.QueryStringParameters
	}
	h.RawQuery = query.encode()
	for name, values := range e.MultiValueHeaders {
		for _, v := range values {
			h.add(name, v)
		}
	}
	for name, v := range e.Headers {
		if len(h.Header[textproto.CanonicalMIMEHeaderKey(name)]) == 0 {
			h.add(name, v)
		}
	}
}

// v2 reads the request of an HTTP API or a function URL. The path begins with the stage, unless
// that is $default. Several headers of one name are joined by a comma, which is equivalent.
func (h *HTTP) v2(e *httpEvent) {
	c := &e.RequestContext
	h.Form, h.Method, h.Path, h.RawQuery, h.SourceIP = FormV2, c.HTTP.Method, e.RawPath,
		e.RawQueryString, c.HTTP.SourceIP
	if h.Path == "" {
		h.Path = c.HTTP.Path
	}
	if s := "/" + c.Stage; c.Stage != "" && c.Stage != "$default" &&
		(h.Path == s || strings.HasPrefix(h.Path, s+"/")) {
		h.Path = h.Path[len(s):]
	}
	for name, v := range e.Headers {
		h.add(name, v)
	}
	if len(e.Cookies) > 0 {
		h.Header["Cookie"] = []string{strings.Join(e.Cookies, "; ")}
	}
}

func (h *HTTP) add(name, value string) {
	name = textproto.CanonicalMIMEHeaderKey(name)
	h.Header[name] = append(h.Header[name], value)
}

// host sets the host that the client addressed. It is in the Host header; without one, host uses
// the gateway's own name.
func (h *HTTP) host(e *httpEvent) {
	if v := h.Header["Host"]; len(v) > 0 {
		h.Host = v[0]
	}
	delete(h.Header, "Host")
	if h.Host == "" {
		h.Host = e.RequestContext.DomainName
	}
}

func (e *httpEvent) body() ([]byte, error) {
	if !e.IsBase64Encoded {
		return []byte(e.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return nil, malformed("the body of the HTTP request is no base64: %v", err)
	}
	return body, nil
}

// pairs are the members of a JSON object in their order. A list counts as one pair for each
// element.
type pairs []struct{ name, value string }

// UnmarshalJSON decodes {"name":"value"} and {"name":["value"]}; null means no pairs.
func (p *pairs) UnmarshalJSON(text []byte) error {
	*p = nil
	d := json.NewDecoder(bytes.NewReader(text))
	t, err := d.Token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('{') {
		return malformed("query parameters must be an object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		var one string
		var many []string
		if value.UnmarshalLenient(raw, &one) == nil && string(raw) != "null" {
			many = []string{one}
		} else if err := value.UnmarshalLenient(raw, &many); err != nil {
			return err
		}
		for _, v := range many {
			*p = append(*p, struct{ name, value string }{name.(string), v})
		}
	}
	_, err = d.Token()
	return err
}

// encode returns the pairs as a query string.
func (p pairs) encode() string {
	var b strings.Builder
	for i, q := range p {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(q.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(q.value))
	}
	return b.String()
}
