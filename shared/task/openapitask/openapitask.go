package openapitask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/task"
	"millrace/shared/task/acs"
	"millrace/shared/task/own"
	"millrace/shared/value"
)

// AnyProduct carries out operations of any product: `{Product}:{Operation}`, parameters as the API has them. RegionId, if it is
// there, also says in which region the API is called; Version, if it is there, is that of the API.
//
// Of the RPC style, lists become Name.1, Name.2, …, objects Name.Key; other values texts. Of the ROA style (see Product),
// Path and Method say how the operation is called, unless the operator has said so: {Name} in the path stands for the
// parameter of that name, Body is the body (texts as they are, else JSON), and all others are the query, lists and objects
// as JSON. A product of which nothing is known is of the ROA style when there is a Path that begins with a slash.
//
// Where a product is called is never the flow's to say. Operations of product fnf, CloudFlow's own,
// are bound by the flow's rights as those of the engine are; of no other product do policies speak.
type AnyProduct struct {
	Service
	Products map[string]Product // beside the known ones, or instead of them; by name in lower case

	// CloudFlow has globs on the resource names of flows that are CloudFlow's own. No others are
	// reached by operations of product fnf, nor any by an account other than the cloud's unless
	// Products lists fnf.
	CloudFlow []string

	Own *own.Resources // no call names these
}

// Run makes the call and returns its answer as it came.
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
		return failure(ctx, &r, err).Result()
	}
	output, failed := responseOutput(r.FlowV1, a)
	return task.Result{Output: output, Error: failed}
}

// checkTarget refuses a call that names what is the engine's own, and one that is for the engine alone.
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

// deniedError says what the flow has no right to do.
type deniedError struct{ cause string }

func (e *deniedError) Error() string { return e.cause }

// errProduct says that nothing is known of a product.
var errProduct = errors.New("unknown product")

func unsupported(r *task.Request) task.Result {
	code := "ActionNotSupported"
	if r.FlowV1 {
		code = "UnsupportedOperation"
	}
	name := strings.ToLower(r.Product())
	if why := unsupportedProducts[name]; why != "" {
		return r.Failf(code, "%s is not carried out here: %s.", r.Action, why)
	}
	if p, ok := templateProducts[name]; ok {
		host := p.Host
		if host == "" {
			host = name + ".{region}.aliyuncs.com"
		}
		return r.Failf(code, "Templates of %s reach all that the role of tasks may, without being looked at, so flows may call it only where the operator lists it in "+
			"MILLRACE_PRODUCTS:\n%s: {version: %s, host: \"%s\"}", r.Product(), name, p.Version, host)
	}
	return r.Failf(code, "Nothing is known of the API of %s. List it in MILLRACE_PRODUCTS, for example:\n"+
		"%s: {version: 2014-05-26}\nWhere operations have paths, it is {version: 2014-05-26, style: roa}.", r.Product(), name)
}

// responseOutput is the answer of an API in the language of the task.
func responseOutput(legacy bool, a *acs.Response) (json.RawMessage, *task.Error) {
	kind := a.Header.Get("Content-Type")
	if legacy || len(a.Body) == 0 {
		return task.FlowV1Output(kind, a.Body)
	}
	return task.Body(kind, a.Body)
}

// parse makes the call that a request asks for.
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
	if !found { // the host is made of its name: that is the operator's to allow
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
		way, err := parseRoute(how)
		if err != nil {
			return nil, err
		}
		return roa(endpoint, operation, of.Version, way, p)
	case of.Style == roaStyle:
		way, err := routeFromParameters(p)
		if err != nil {
			return nil, err
		}
		return roa(endpoint, operation, of.Version, way, p)
	}
	q := url.Values{}
	for name, v := range p {
		if err := flatten(q, name, v); err != nil {
			return nil, err
		}
	}
	return rpc(endpoint, operation, of.Version, q), nil
}

// product is what is known of a product.
func (t *AnyProduct) product(name string) (of Product, found bool) {
	if of, found = t.Products[name]; !found {
		of, found = knownProducts[name]
	}
	return of, found
}

// queryMax is how long parameters may be in a query; longer ones travel in the body.
const queryMax = 4096

// rpc is a call of an API of the RPC style.
func rpc(endpoint, operation, version string, q url.Values) *acs.Request {
	c := &acs.Request{Endpoint: endpoint, Method: http.MethodPost, Path: "/", Action: operation, Version: version, Header: http.Header{"Accept": {"application/json"}}}
	if text := q.Encode(); len(text) > queryMax {
		c.Body, c.ContentType = []byte(text), "application/x-www-form-urlencoded"
	} else {
		c.Query = q
	}
	return c
}

// isOperation tells whether an API can have an operation of a name.
func isOperation(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// fnf is the product of CloudFlow, by its name and in its hosts.
const fnf = "fnf"

// object reads parameters.
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

// signatureParameters are the parameters of the signature, which a flow cannot set.
var signatureParameters = map[string]bool{"Action": true, "Version": true, "AccessKeyId": true, "Signature": true, "SignatureMethod": true, "SignatureNonce": true,
	"SignatureVersion": true, "SignatureType": true, "Timestamp": true, "SecurityToken": true}

// flatten adds a parameter and what is in it.
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
