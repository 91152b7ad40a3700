package acs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/httpclient"
)

// Request is one call of an API.
type Request struct {
	Endpoint string // scheme and host, as Endpoints returns them
	Method   string
	Path     string // escaped, with a leading slash
	Query    url.Values
	Action   string // of the API
	Version  string // of the API

	// Header contains further headers. Those that start with x-acs- are signed.
	Header      http.Header
	ContentType string // of the body; "" without a body
	Body        []byte

	// SHA1 selects the signature that EventBridge requires.
	SHA1 bool
}

// Response is a service's response with a status 2xx, or, in an Error, with any other.
type Response struct {
	Status int
	Header http.Header
	// Body is as much as the HTTP client reads: httpclient.MaxResponseDefault unless it has another
	// limit.
	Body []byte
}

// Client makes calls. It is safe for many goroutines.
type Client struct {
	credentials alibaba.Provider
	http        *http.Client

	now   func() time.Time
	nonce func() string
}

// NewClient returns a client that signs with the given credentials. It calls through httpClient;
// nil means one that may also reach private networks, because a flow never decides which host is
// called. It does not follow redirects, because a request signed for one host must not go to
// another.
func NewClient(credentials alibaba.Provider, httpClient *http.Client) *Client {
	return &Client{
		credentials: credentials,
		http:        httpclient.WithoutRedirects(httpclient.OrInternal(httpClient)),
		now:         time.Now, nonce: nonce,
	}
}

func nonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Do makes a call and reads the whole response. If the service rejects the call, the error is an
// *Error. After any other error, unless it wraps ErrUnsent, it is unknown whether the service
// carried out the call. Errors do not contain credentials. If the service rejects the credentials,
// it has not carried out the call; Do repeats it once if the provider now returns other
// credentials.
func (c *Client) Do(ctx context.Context, call *Request) (*Response, error) {
	k, err := c.fetchCredentials(ctx)
	if err != nil {
		return nil, err
	}
	a, err := c.attempt(ctx, call, k)
	if !stale(err) {
		return a, err
	}
	if fresh, none := c.fetchCredentials(ctx); none == nil && fresh != k {
		return c.attempt(ctx, call, fresh)
	}
	return a, err
}

// fetchCredentials returns the credentials for a call.
func (c *Client) fetchCredentials(ctx context.Context) (alibaba.Credentials, error) {
	k, err := c.credentials(ctx)
	if err == nil && !k.Valid() {
		err = alibaba.ErrNoCredentials
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	return k, err
}

// attempt makes a call once.
func (c *Client) attempt(
	ctx context.Context, call *Request, k alibaba.Credentials,
) (*Response, error) {
	r, err := c.request(ctx, call, k)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, errors.New(httpclient.Reason(err))
	}
	body, err := httpclient.ReadAll(resp)
	if err != nil {
		return nil, fmt.Errorf("the response was not read: %w", err)
	}
	a := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, readError(a)
	}
	return a, nil
}

// ErrUnsent means that the call was not made.
var ErrUnsent = errors.New("the call was not made")

// request returns a signed request.
func (c *Client) request(
	ctx context.Context, call *Request, k alibaba.Credentials,
) (*http.Request, error) {
	address := call.Endpoint + call.Path
	if len(call.Query) > 0 {
		address += "?" + canonicalQuery(call.Query)
	}
	r, err := http.NewRequestWithContext(ctx, call.Method, address, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("%q is no address of a service", call.Endpoint)
	}
	if len(call.Body) == 0 {
		r.Body, r.GetBody = http.NoBody, nil
	}
	for name, values := range call.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if call.ContentType != "" {
		r.Header.Set("Content-Type", call.ContentType)
	}
	r.Header.Set("User-Agent", "Millrace")
	r.Header.Set("X-Acs-Signature-Nonce", c.nonce())
	if k.SecurityToken != "" {
		r.Header.Set("X-Acs-Accesskey-Id", k.AccessKeyID)
		r.Header.Set("X-Acs-Security-Token", k.SecurityToken)
	}
	if call.SHA1 {
		c.prepareSHA1(r, call, k)
	} else {
		c.prepareACS3(r, call, k)
	}
	return r, nil
}

func (c *Client) prepareACS3(r *http.Request, call *Request, k alibaba.Credentials) {
	digest := sha256.Sum256(call.Body)
	r.Header.Set("X-Acs-Action", call.Action)
	r.Header.Set("X-Acs-Version", call.Version)
	r.Header.Set("X-Acs-Date", c.now().UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("X-Acs-Content-Sha256", hex.EncodeToString(digest[:]))
	signACS3(r, k)
}

func (c *Client) prepareSHA1(r *http.Request, call *Request, k alibaba.Credentials) {
	r.Header.Set("Date", c.now().UTC().Format(http.TimeFormat))
	r.Header.Set("X-Acs-Signature-Method", "HMAC-SHA1")
	r.Header.Set("X-Acs-Signature-Version", "1.0")
	signSHA1(r, k)
}
