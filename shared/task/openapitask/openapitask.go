package openapitask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/alibaba/acs"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// AnyProduct carries out operations of any product: `{Product}:{Operation}`, with the parameters of
// the API. The parameter RegionId, if present, also selects the region in which the API is called;
// Version, if present, is the version of the API.
//
// In the RPC style, lists become Name.1, Name.2, …, objects become Name.Key, and other values
// texts. In the ROA style (see Product), Path and Method say how the operation is called, unless
// the operator has configured it: {Name} in the path is replaced by the parameter of that name,
// Body is the body (a text as it is, any other value as JSON), and all others are the query, lists
// and objects as JSON. Operations of a product that is neither known nor in Products are
// unsupported.
//
// A flow never chooses the host that is called. Operations of product fnf, CloudFlow itself, need
// the same rights of the flow as those of the engine. Policies do not cover any other product.
type AnyProduct struct {
	Service
	Products map[string]Product // beside the known ones, or instead of them; by name in lower case

	// CloudFlow contains globs on the resource names of flows on CloudFlow itself. Operations of
	// product fnf reach no other flows, and only the cloud's account may use them unless Products
	// lists fnf.
	CloudFlow []string

	Own *reserved.Resources // no call may name these
}

// Run makes the call and returns the response unchanged.
func (t *AnyProduct) Run(ctx context.Context, r task.Request) task.Result {
	c, err := t.parse(&r)
	var denied *deniedError
	switch {
	case errors.Is(err, errProduct):
		return unsupported(&r)
	case errors.As(err, &denied):
		return r.DeniedResult(denied.cause)
	case err != nil:
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.checkTarget(&r, c); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	a, err := t.Client.Do(ctx, c)
	if err != nil {
		return task.Failed(failure(ctx, &r, err))
	}
	return responseResult(&r, a)
}

// checkTarget returns an error if a call names one of the engine's own resources, or if only the
// engine may make it.
func (t *AnyProduct) checkTarget(r *task.Request, c *acs.Request) error {
	if err := checkAsyncPath(c.Path); err != nil {
		return err
	}
	texts := []string{c.Path, string(c.Body)}
	for name, values := range c.Query {
		for _, v := range values {
			texts = append(texts, name+"="+v)
		}
	}
	product, _, _ := strings.Cut(task.NormalAction(r.Action), ":")
	return t.Own.CheckCall(product, texts...)
}

// deniedError says which right the flow lacks.
type deniedError struct{ cause string }

func (e *deniedError) Error() string { return e.cause }

// errProduct means that nothing is known of a product.
var errProduct = errors.New("unknown product")

func unsupported(r *task.Request) task.Result {
	code := r.UnsupportedCode()
	name := strings.ToLower(r.Product())
	if why := unsupportedProducts[name]; why != "" {
		return r.Failf(code, "%s is not carried out here: %s.", r.Action, why)
	}
	if p, ok := templateProducts[name]; ok {
		host := p.Host
		if host == "" {
			host = name + ".{region}.aliyuncs.com"
		}
		return r.Failf(
			code,
			"Templates of %s reach all that the role of tasks may, without being looked at, so "+
				"flows may call it only where the operator lists it in "+
				"MILLRACE_PRODUCTS:\n%s: {version: %s, host: \"%s\"}", r.Product(), name, p.Version,
			host)
	}
	return r.Failf(
		code, "Nothing is known of the API of %s. List it in MILLRACE_PRODUCTS, for example:\n"+
			"%s: {version: 2014-05-26}\nWhere operations have paths, it is {version: 2014-05-26, "+
			"style: roa}.", r.Product(), name)
}

// responseResult returns the response of an API as the result of a task.
func responseResult(r *task.Request, a *acs.Response) task.Result {
	if len(a.Body) == 0 {
		return task.Result{Output: json.RawMessage("{}")}
	}
	return r.BodyResult(a.Header.Get("Content-Type"), a.Body)
}

// parse returns the call for a request.
func (t *AnyProduct) parse(r *task.Request) (*acs.Request, error) {
	product, operation, _ := strings.Cut(task.NormalAction(r.Action), ":")
	if !isOperation(operation) {
		return nil, fmt.Errorf("%q is no operation of an API", value.Cut(operation, 80))
	}
	p, err := object(r.Parameters)
	if err != nil {
		return nil, err
	}
	of, found := t.product(product)
	if !found { // the host contains the product's name, so the operator must allow it
		return nil, errProduct
	}
	if product == fnf || strings.Contains(of.Host, fnf) {
		if cause := t.denyCloudFlow(r, product, operation, p); cause != "" {
			return nil, &deniedError{cause}
		}
	}
	if v, ok := p["Version"].(string); ok && isVersion(v) {
		of.Version = v
		delete(p, "Version")
	}
	if of.Version == "" {
		return nil, errProduct
	}
	region, _ := p["RegionId"].(string)
	endpoint, err := t.Endpoints.Product(product, region, of.Host)
	if err != nil {
		return nil, err
	}
	how, named := of.Operations[operation]
	switch {
	case named:
		rt, err := parseRoute(how)
		if err != nil {
			return nil, err
		}
		return roa(endpoint, operation, of.Version, rt, p)
	case of.Style == roaStyle:
		rt, err := routeFromParameters(p)
		if err != nil {
			return nil, err
		}
		return roa(endpoint, operation, of.Version, rt, p)
	}
	q := url.Values{}
	for name, v := range p {
		if err := flatten(q, name, v); err != nil {
			return nil, err
		}
	}
	return rpc(endpoint, operation, of.Version, q), nil
}

// product returns what is known of a product.
func (t *AnyProduct) product(name string) (of Product, found bool) {
	if of, found = t.Products[name]; !found {
		of, found = knownProducts[name]
	}
	return of, found
}

// queryMax is the maximum length of the parameters in a query, in bytes. Longer ones go into the
// body.
const queryMax = 4096

// rpc returns a call of an API in the RPC style.
func rpc(endpoint, operation, version string, q url.Values) *acs.Request {
	c := &acs.Request{
		Endpoint: endpoint, Method: http.MethodPost, Path: "/", Action: operation, Version: version,
		Header: http.Header{"Accept": {"application/json"}},
	}
	if text := q.Encode(); len(text) > queryMax {
		c.Body, c.ContentType = []byte(text), "application/x-www-form-urlencoded"
	} else {
		c.Query = q
	}
	return c
}

// isOperation reports whether s can be the name of an operation.
func isOperation(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
			(i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// fnf is the product CloudFlow, in its name and in its hosts.
const fnf = "fnf"

// object decodes parameters.
func object(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	tree, err := value.Decode(raw)
	p, ok := tree.(map[string]any)
	if err != nil || !ok {
		return nil, errors.New("the parameters must be an object")
	}
	return p, nil
}

// signatureParameters are the parameters of the signature. A flow must not set them.
var signatureParameters = map[string]bool{"Action": true, "Version": true, "AccessKeyId": true,
	"Signature": true, "SignatureMethod": true, "SignatureNonce": true,
	"SignatureVersion": true, "SignatureType": true, "Timestamp": true, "SecurityToken": true}

// flatten adds a parameter and its nested values.
func flatten(q url.Values, name string, v any) error {
	if signatureParameters[name] || name == "" || !task.IsFunctionPart(name) {
		return fmt.Errorf("%q cannot be a parameter of an API", value.Cut(name, 80))
	}
	switch v := v.(type) {
	case nil:
	case []any:
		for i, one := range v {
			if err := flatten(q, fmt.Sprintf("%s.%d", name, i+1), one); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, one := range v {
			if err := flatten(q, name+"."+key, one); err != nil {
				return err
			}
		}
	default:
		q.Set(name, task.Text(value.Encode(v)))
	}
	return nil
}
