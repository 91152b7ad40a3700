package openapitask

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/alibaba/acs"
	"millrace/shared/task"
	"millrace/shared/value"
)

// route is how an operation of an API in the ROA style is called.
type route struct {
	method string
	path   string // with {Name} in place of the value of a parameter
}

// methods are the methods that APIs use.
var methods = map[string]bool{http.MethodGet: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodDelete: true,
	http.MethodPatch:  true, http.MethodHead: true}

// pathMax is the maximum length of a path as written; an escaped path may have four times as much.
const pathMax = 2048

// parseRoute parses "GET /clusters/{ClusterId}".
func parseRoute(s string) (route, error) {
	method, path, _ := strings.Cut(s, " ")
	r := route{strings.ToUpper(method), strings.TrimSpace(path)}
	return r, r.check()
}

func (r route) check() error {
	switch {
	case !methods[r.method]:
		return fmt.Errorf("method %q: it is GET, POST, PUT, DELETE, PATCH or HEAD",
			value.Cut(r.method, 20))
	case !strings.HasPrefix(r.path, "/") || len(r.path) > pathMax ||
		strings.ContainsAny(r.path, "?#"):
		return fmt.Errorf("path %q: it begins with a slash, and has no query",
			value.Cut(r.path, 80))
	}
	return nil
}

// expand returns the escaped path. It removes the parameters in the path from p.
func (r route) expand(p map[string]any) (string, error) {
	segments := strings.Split(r.path[1:], "/")
	used := map[string]bool{}
	for i, s := range segments {
		text, err := expandSegment(s, p, used)
		if err != nil {
			return "", err
		}
		if text == "." || text == ".." {
			return "", fmt.Errorf("path %q: %q cannot be a part of it", value.Cut(r.path, 80), text)
		}
		segments[i] = acs.Escape(text)
	}
	for name := range used {
		delete(p, name)
	}
	path := "/" + strings.Join(segments, "/")
	if len(path) > 4*pathMax {
		return "", fmt.Errorf("path %q is too long", value.Cut(r.path, 80))
	}
	return path, nil
}

// expandSegment returns a segment with the values of its parameters: {Name}, or [Name] as in
// Alibaba Cloud's own lists.
func expandSegment(s string, p map[string]any, used map[string]bool) (string, error) {
	var b strings.Builder
	for {
		at := strings.IndexAny(s, "{[")
		if at < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		end := strings.IndexByte(s[at:], s[at]+2) // the closing one
		if end < 0 {
			return "", fmt.Errorf("path: %q has no end", value.Cut(s[at:], 80))
		}
		name := s[at+1 : at+end]
		v := ""
		switch given := p[name].(type) {
		case string:
			v = given
		case value.Number:
			v = string(given)
		}
		if v == "" {
			return "", fmt.Errorf("parameter %s is required, a text, for it stands in the path",
				value.Cut(name, 80))
		}
		used[name] = true
		b.WriteString(s[:at] + v)
		s = s[at+end+1:]
	}
}

// errNoPath means that a call in the ROA style has no path.
var errNoPath = errors.New(
	"the API has a path for each operation: name Path (such as /clusters/{ClusterId}) and " +
		"Method in the parameters, or the operation in MILLRACE_PRODUCTS")

// routeFromParameters removes the route from a task's parameters and returns it: Path, and Method,
// by default GET, or POST if there is a body.
func routeFromParameters(p map[string]any) (route, error) {
	path, ok := p["Path"].(string)
	if !ok {
		return route{}, errNoPath
	}
	method, named := p["Method"].(string)
	if _, has := p["Method"]; has && !named {
		return route{}, errors.New("Method must be a text")
	}
	if !named {
		method = http.MethodGet
		if _, has := bodyOf(p); has {
			method = http.MethodPost
		}
	}
	delete(p, "Path")
	delete(p, "Method")
	r := route{strings.ToUpper(method), path}
	return r, r.check()
}

// bodyOf returns the name of the parameter that is the body, if there is one.
func bodyOf(p map[string]any) (name string, has bool) {
	for _, name := range []string{"Body", "body"} {
		if v, ok := p[name]; ok && v != nil {
			return name, true
		}
	}
	return "", false
}

// roa returns a call of an API in the ROA style. Parameters that are neither in the path nor the
// body go into the query, lists and objects as JSON.
func roa(endpoint, operation, version string, r route, p map[string]any) (*acs.Request, error) {
	path, err := r.expand(p)
	if err != nil {
		return nil, err
	}
	c := &acs.Request{Endpoint: endpoint, Method: r.method, Path: path, Action: operation,
		Version: version, Header: http.Header{"Accept": {"application/json"}},
		Query: url.Values{}}
	if name, has := bodyOf(p); has {
		if r.method == http.MethodGet || r.method == http.MethodHead {
			return nil, fmt.Errorf("a %s has no body", r.method)
		}
		c.Body, c.ContentType = []byte(task.Text(value.Encode(p[name]))),
			"application/json; charset=utf-8"
		delete(p, name)
	}
	for name, v := range p {
		switch {
		case signatureParameters[name] || name == "" || !task.IsFunctionPart(name):
			return nil, fmt.Errorf("%q cannot be a parameter of an API", value.Cut(name, 80))
		case v != nil:
			c.Query.Set(name, task.Text(value.Encode(v)))
		}
	}
	return c, nil
}
