package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Form is the form of a gateway's events.
type Form int

// The forms.
const (
	HTTPAPI     Form = iota // API Gateway, HTTP API, format 2.0, stage $default
	HTTPAPIProd             // the same with the stage Prod in the path
	RESTAPI                 // API Gateway, REST API, format 1.0, stage Prod
	FunctionURL             // a URL of the function itself
)

// Gateway converts requests to events, as the front of its form does, and sends the function's
// response.
type Gateway struct {
	Form   Form
	Invoke func(event []byte) ([]byte, error)
}

// ServeHTTP serves one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil {
		http.Error(w, `{"message":"Bad Request"}`, http.StatusBadRequest)
		return
	}
	event := g.v2(r, body)
	if g.Form == RESTAPI {
		event = g.v1(r, body)
	}
	text, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	response, err := g.Invoke(text)
	var f *FunctionError
	switch {
	case errors.As(err, &f):
		http.Error(w, `{"message":"Internal Server Error"}`, http.StatusInternalServerError)
	case err != nil:
		http.Error(w, `{"message":"Service Unavailable"}`, http.StatusServiceUnavailable)
	default:
		g.answer(w, response)
	}
}

// isText reports whether a gateway passes a body on as text. Forms are encoded in base64.
func isText(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

func (g *Gateway) v2(r *http.Request, body []byte) map[string]any {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	stage, path := "$default", r.URL.EscapedPath()
	if g.Form == HTTPAPIProd {
		stage, path = "Prod", "/Prod"+path
	}
	domain := "abc123.execute-api.us-east-1.amazonaws.com"
	if g.Form == FunctionURL {
		domain = "u1.lambda-url.us-east-1.on.aws"
	}
	event := map[string]any{"version": "2.0", "routeKey": "$default", "rawPath": path,
		"rawQueryString": r.URL.RawQuery, "headers": headers,
		"requestContext": map[string]any{"accountId": "000000000000", "apiId": "abc123",
			"domainName": domain, "domainPrefix": "abc123",
			"http": map[string]any{"method": r.Method, "path": path, "protocol": "HTTP/1.1",
				"sourceIp": "203.0.113.7", "userAgent": r.UserAgent()},
			"requestId": requestID(), "routeKey": "$default", "stage": stage,
			"time": time.Now().Format(time.RFC3339), "timeEpoch": time.Now().UnixMilli()}}
	if len(body) > 0 {
		event["isBase64Encoded"], event["body"] = !isText(r), string(body)
		if !isText(r) {
			event["body"] = base64.StdEncoding.EncodeToString(body)
		}
	} else {
		event["isBase64Encoded"] = false
	}
	return event
}

func (g *Gateway) v1(r *http.Request, body []byte) map[string]any {
	headers, many := map[string]string{"Host": r.Host}, map[string][]string{"Host": {r.Host}}
	for name, values := range r.Header {
		headers[name], many[name] = values[len(values)-1], values
	}
	query, _ := url.ParseQuery(r.URL.RawQuery)
	one := map[string]string{}
	for name, values := range query {
		one[name] = values[len(values)-1]
	}
	return map[string]any{"resource": "/{proxy+}", "path": r.URL.Path, "httpMethod": r.Method,
		"headers": headers, "multiValueHeaders": many,
		"queryStringParameters": one, "multiValueQueryStringParameters": query,
		"pathParameters": nil, "stageVariables": nil,
		"requestContext": map[string]any{"stage": "Prod", "path": "/Prod" + r.URL.Path,
			"httpMethod": r.Method, "requestId": requestID(),
			"domainName": "abc123.execute-api.us-east-1.amazonaws.com",
			"identity":   map[string]any{"sourceIp": "203.0.113.7"}},
		"body": string(body), "isBase64Encoded": false}
}

// answer sends the function's response.
func (g *Gateway) answer(w http.ResponseWriter, text []byte) {
	var a struct {
		StatusCode        int
		Headers           map[string]string
		MultiValueHeaders map[string][]string
		Cookies           []string
		Body              string
		IsBase64Encoded   bool
	}
	if err := json.Unmarshal(text, &a); err != nil || a.StatusCode == 0 {
		http.Error(w, `{"message":"Internal Server Error"}`, http.StatusBadGateway)
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		body, _ = base64.StdEncoding.DecodeString(a.Body)
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	for name, values := range a.MultiValueHeaders {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	for _, c := range a.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(a.StatusCode)
	w.Write(body)
}
