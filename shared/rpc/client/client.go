package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millrace/shared/rpc"
	"millrace/shared/rpc/sign"
	"millrace/shared/value"
)

// Options configure a Client: the endpoint and the credentials.
type Options struct {
	Endpoint      string // http://host:port, or https://
	AccessKeyID   string
	Secret        string
	Key           *sign.Key // the secret prepared for signing, instead of Secret
	SecurityToken string    // of STS credentials
	Bearer        string    // bearer token, instead of an access key
	Region        string    // sent as RegionId under V1; CloudFlow ignores it
	// Signature is "v1", "v3" or "none". "" is v1 with an access key or a bearer token, and none
	// without.
	Signature string
	// Timeout limits a request, in addition to the time that the operation itself may wait; 0 is
	// 30s.
	Timeout time.Duration
	// HTTPClient replaces the client's own, which keeps up to 4096 idle connections.
	HTTPClient *http.Client
	Now        func() time.Time // nil is time.Now
	// Refused, if set, is called when the endpoint's machine refuses the connection, so that
	// nothing was sent. If it returns true, the request is sent again. It should pause first, and
	// must return when ctx ends.
	Refused func(ctx context.Context) bool
}

// Client calls CloudFlow: this server or Alibaba Cloud's. It is safe for concurrent use. It does
// not retry, except as Options.Refused says.
type Client struct {
	Options
	url url.URL // of a request, without its query
	key *sign.Key
	v3  bool
	// plain is set if the endpoint is on another machine and speaks plain HTTP: the client sends no
	// bearer token and no task token there.
	plain bool
	form  http.Header // of a request whose parameters are a form; must not be modified
	bare  http.Header // of any other request; must not be modified
}

const defaultTimeout = 30 * time.Second

// New checks the options. It does not connect yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf(
			"the endpoint %q must be written like http://127.0.0.1:8080 or https://host",
			o.Endpoint)
	}
	c := &Client{Options: o, url: url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}}
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HTTPClient == nil {
		c.HTTPClient = newHTTPClient()
	}
	c.bare = http.Header{"Accept": {"application/json"}, "User-Agent": {"millrace"}}
	c.form = c.bare.Clone()
	c.form["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	c.plain = c.exposed()
	return c, c.credentials()
}

// credentials checks that key, token and signature fit together.
func (c *Client) credentials() error {
	switch {
	case c.Signature == "none":
		c.AccessKeyID, c.Secret, c.SecurityToken, c.Bearer, c.Key = "", "", "", "", nil
		return nil
	case c.Signature != "" && c.Signature != "v1" && c.Signature != "v3":
		return fmt.Errorf("the signature %q must be v1, v3 or none", c.Signature)
	case c.AccessKeyID != "" && c.Bearer != "":
		return errors.New("give an access key or a bearer token, not both")
	case (c.AccessKeyID == "") != (c.Secret == "" && c.Key == nil):
		return errors.New("an access key needs both its id and its secret")
	case c.Signature != "" && c.AccessKeyID == "" && c.Bearer == "":
		return fmt.Errorf("signature %s needs an access key id and its secret, or a bearer token",
			c.Signature)
	}
	if c.Bearer != "" && c.plain {
		return fmt.Errorf("a bearer token %w", ErrPlainHTTP)
	}
	c.v3 = c.Signature == "v3"
	if c.key = c.Key; c.AccessKeyID != "" && c.key == nil {
		c.key = sign.NewKey(c.Secret)
	}
	return nil
}

// newHTTPClient returns a client that keeps connections of many callers open and follows no
// redirect, because a redirect would carry a signature to another host.
func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = 4096
	t.DisableCompression = true
	// requests of many goroutines would share one connection and wait for each other
	t.ForceAttemptHTTP2 = false
	t.WriteBufferSize, t.ReadBufferSize = 8<<10, 8<<10
	return &http.Client{
		Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Call calls any operation and returns the response as received. If the server responds with an
// error, Call returns a *fault.Error; RequestID returns the id of its request. If no server
// responded, the error says what to do. Read-only operations are sent as GET.
func (c *Client) Call(
	ctx context.Context, operation string, parameters map[string]string,
) (json.RawMessage, error) {
	list := make([]sign.Param, 0, len(parameters)+commonParams)
	for name, value := range parameters {
		list = append(list, sign.Param{Name: name, Value: value})
	}
	wait := time.Duration(0)
	switch operation {
	case "StartSyncExecution":
		wait = syncMax
	case "DescribeExecution", "GetExecutionHistory":
		seconds, _ := strconv.ParseInt(parameters["WaitTimeSeconds"], 10, 64)
		wait = waitOf(&seconds)
	}
	body, err := c.do(ctx, operation, list, wait)
	if err == nil && !json.Valid(body) {
		return nil, c.unexpectedResponse()
	}
	return body, err
}

// commonParams is how many parameters a V1 request adds to those of its operation.
const commonParams = 11

// do sends a request and returns the body of the response. wait is added to the timeout.
func (c *Client) do(
	ctx context.Context, operation string, list []sign.Param, wait time.Duration,
) ([]byte, error) {
	if err := c.checkParams(list); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout+max(wait, 0))
	defer cancel()
	response, err := c.send(ctx, operation, list)
	for refused(err) && c.Refused != nil && c.Refused(ctx) {
		response, err = c.send(ctx, operation, list)
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := readResponse(response)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if response.StatusCode/100 != 2 {
		return nil, responseFault(response.StatusCode, body)
	}
	if !hasRequestID(body) {
		return nil, c.unexpectedResponse()
	}
	return body, nil
}

// send signs a request and sends it once.
func (c *Client) send(
	ctx context.Context, operation string, list []sign.Param,
) (*http.Response, error) {
	r := (*http.Request)(nil)
	if c.v3 {
		var err error
		if r, err = c.requestV3(operation, list); err != nil {
			return nil, err
		}
	} else {
		r = c.requestV1(operation, list)
	}
	response, err := c.HTTPClient.Do(r.WithContext(ctx))
	if err != nil {
		return nil, c.unreachable(err)
	}
	return response, nil
}

// hasRequestID reports whether a response is an object with a request id, as every response of
// CloudFlow is (docs/api.md#responses): another server may respond with 200 and an object too. A
// response of this server begins with the id, so it is not parsed twice.
func hasRequestID(body []byte) bool {
	if id, ok := bytes.CutPrefix(body, []byte(`{"RequestId":"`)); ok && len(id) > 0 &&
		id[0] != '"' {
		return true
	}
	if len(body) == 0 || body[0] != '{' {
		return false
	}
	var response struct {
		RequestID string `json:"RequestId"`
	}
	return value.Unmarshal(body, &response) == nil && response.RequestID != ""
}

// requestV1 builds a request with V1 signature, bearer token or none. It puts all parameters where
// the npm client puts them: into the query of a GET, into the body of a POST.
func (c *Client) requestV1(operation string, list []sign.Param) *http.Request {
	list = append(list,
		sign.Param{Name: "Action", Value: operation},
		sign.Param{Name: "Version", Value: rpc.Version},
		sign.Param{Name: "Format", Value: "JSON"})
	if c.Region != "" {
		list = append(list, sign.Param{Name: "RegionId", Value: c.Region})
	}
	method := methodOf(operation)
	switch {
	case c.key != nil:
		list = append(list,
			sign.Param{Name: "AccessKeyId", Value: c.AccessKeyID},
			sign.Param{Name: "SignatureMethod", Value: "HMAC-SHA1"},
			sign.Param{Name: "SignatureVersion", Value: "1.0"},
			sign.Param{Name: "SignatureNonce", Value: newNonce()},
			sign.Param{Name: "Timestamp", Value: c.Now().UTC().Format(rpc.TimeFormat)})
		if c.SecurityToken != "" {
			list = append(list, sign.Param{Name: "SecurityToken", Value: c.SecurityToken})
		}
		list = append(list, sign.Param{Name: "Signature", Value: c.key.V1(method, list)})
	case c.Bearer != "":
		list = append(list, sign.Param{Name: "BearerToken", Value: c.Bearer},
			sign.Param{Name: "SignatureType", Value: "BEARERTOKEN"})
	}
	text := sign.AppendForm(make([]byte, 0, formSize(list)), list)
	if method == http.MethodGet {
		return c.request(method, string(text), nil, c.bare)
	}
	return c.request(method, "", text, c.form)
}

// requestV3 puts the common parameters into headers. A task token goes into the query, as in
// current clients; the other parameters of a POST go into the body.
func (c *Client) requestV3(operation string, list []sign.Param) (*http.Request, error) {
	method, header := methodOf(operation), c.bare.Clone()
	query, body := list, []byte(nil)
	if method == http.MethodPost {
		var form []sign.Param
		query = nil
		for _, p := range list {
			if p.Name == "TaskToken" {
				query = append(query, p)
			} else {
				form = append(form, p)
			}
		}
		if body = sign.AppendForm(nil, form); len(body) > 0 {
			header["Content-Type"] = c.form["Content-Type"]
		}
	}
	hash := sign.BodyHash(body)
	header[rpc.HeaderAction], header[rpc.HeaderVersion] = []string{operation}, []string{rpc.Version}
	header[rpc.HeaderDate] = []string{c.Now().UTC().Format(rpc.TimeFormat)}
	header[rpc.HeaderNonce] = []string{newNonce()}
	header[rpc.HeaderContentHash] = []string{hash}
	if c.Bearer != "" {
		header[rpc.HeaderBearer] = []string{c.Bearer}
		query = append(query[:len(query):len(query)],
			sign.Param{Name: "SignatureType", Value: "BEARERTOKEN"})
	}
	if c.key != nil {
		if err := c.authorize(header, method, query, hash); err != nil {
			return nil, fmt.Errorf("the request cannot be signed: %w", err)
		}
	}
	return c.request(method, string(sign.AppendForm(nil, query)), body, header), nil
}

// authorize adds the V3 signature to header.
func (c *Client) authorize(
	header http.Header, method string, query []sign.Param, hash string,
) error {
	signed := "host;x-acs-action;x-acs-content-sha256;x-acs-date;" +
		"x-acs-signature-nonce;x-acs-version"
	if c.SecurityToken != "" {
		header["X-Acs-Accesskey-Id"] = []string{c.AccessKeyID}
		header[rpc.HeaderToken] = []string{c.SecurityToken}
		signed = "host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;" +
			"x-acs-security-token;x-acs-signature-nonce;x-acs-version"
	}
	if header["Content-Type"] != nil {
		signed = "content-type;" + signed
	}
	a := sign.Authorization{Credential: c.AccessKeyID, SignedHeaders: signed}
	r := sign.Request{Method: method, Query: query, BodyHash: hash}
	if err := r.Headers.Read(signed, c.url.Host, header); err != nil {
		return err
	}
	a.Signature = c.key.V3(&r)
	header["Authorization"] = []string{a.String()}
	return nil
}

// request builds an http.Request without parsing the URL again.
func (c *Client) request(method, query string, body []byte, header http.Header) *http.Request {
	u := c.url
	u.RawQuery = query
	r := &http.Request{
		Method: method, URL: &u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1,
	}
	if len(body) > 0 {
		r.ContentLength = int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(body)), nil
		}
		r.Body, _ = r.GetBody()
	}
	return r
}

// methodOf returns GET for read-only operations, which a proxy or the transport may repeat, and
// POST for the others.
func methodOf(operation string) string {
	switch operation {
	case "DescribeFlow", "ListFlows", "DescribeExecution", "ListExecutions", "GetExecutionHistory",
		"DescribeSchedule", "ListSchedules", "ListFlowVersions", "DescribeFlowAlias",
		"ListFlowAliases", "DescribeMapRun":
		return http.MethodGet
	}
	return http.MethodPost
}

// formSize estimates the length of an encoded form, in bytes.
func formSize(list []sign.Param) int {
	n := 0
	for _, p := range list {
		n += len(p.Name) + len(p.Value)*3/2 + 2
	}
	return n
}

func newNonce() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// responseMax is the largest response that is read, in bytes.
const responseMax = 64 << 20

func readResponse(r *http.Response) ([]byte, error) {
	if n := r.ContentLength; n >= 0 && n <= responseMax {
		body := make([]byte, n)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, responseMax+1))
	if err == nil && len(body) > responseMax {
		err = fmt.Errorf("the response is larger than %d bytes", responseMax)
	}
	return body, err
}
