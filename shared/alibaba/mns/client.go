package mns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"millrace/shared/alibaba"
)

// Client calls one endpoint. It is safe for many goroutines.
type Client struct {
	// Endpoint is the address of the account's queues:
	// http(s)://<account>.mns.<region>.aliyuncs.com, with -internal after the region inside a VPC.
	Endpoint    string
	Credentials alibaba.Provider
	// HTTP may be nil: a client shared by all, which keeps many idle connections and has no timeout
	// of its own.
	HTTP *http.Client
}

// shared is the HTTP client of Clients whose HTTP is nil. It does not follow redirects, because a
// request signed for one host must not go to another.
var shared = &http.Client{
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		TLSHandshakeTimeout: 10 * time.Second,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Endpoint returns the address of an account's queues in a region, over TLS.
func Endpoint(account, region string, internal bool) string {
	if internal {
		region += "-internal"
	}
	return "https://" + account + ".mns." + region + ".aliyuncs.com"
}

// responseMax is the maximum size of a response: sixteen messages of 64 KB, and space for their
// encoding.
const responseMax = 8 << 20

// request is one call of the API.
type request struct {
	method  string
	queue   string  // name of the queue, or
	topic   string  // name of the topic
	ofQueue bool    // the call is about the queue itself, not its messages
	query   string  // as it is sent
	body    any     // XML document; nil if there is none
	id      *string // receives the request id; may be nil
}

// send makes a call and decodes the response into to, unless that is nil. A response other than 2xx
// is an *Error. If the service rejects the credentials, it has not carried out the call; send
// repeats it once if the provider now returns other credentials.
func (c *Client) send(ctx context.Context, q request, to any) error {
	k, err := c.credentials(ctx)
	if err != nil {
		return err
	}
	if err = c.attempt(ctx, q, k, to); !stale(Code(err)) {
		return err
	}
	if fresh, none := c.credentials(ctx); none == nil && fresh != k {
		return c.attempt(ctx, q, fresh, to)
	}
	return err
}

// stale reports whether a code means that credentials are invalid or have expired.
func stale(code string) bool {
	switch code {
	case "InvalidAccessKeyId", "InvalidSecurityToken", "InvalidSecurityToken.Expired",
		"SecurityTokenExpired", "SecurityTokenInvalid":
		return true
	}
	return false
}

// attempt makes a call once.
func (c *Client) attempt(ctx context.Context, q request, k alibaba.Credentials, to any) error {
	r, err := c.build(ctx, q, k)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = shared
	}
	resp, err := client.Do(r)
	if err != nil {
		var u *url.Error // its text contains the handle, which is long and must not be logged
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close()
	if q.id != nil {
		*q.id = resp.Header.Get("X-Mns-Request-Id")
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, responseMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the response: %w", err)
	case len(text) > responseMax:
		return fmt.Errorf("the response is longer than %d bytes", responseMax)
	case resp.StatusCode/100 != 2:
		return readError(resp, text, to)
	case to == nil, len(text) == 0:
		return nil
	}
	if err := decode(text, to); err != nil {
		return fmt.Errorf("status %d: the response cannot be read: %w", resp.StatusCode, err)
	}
	return nil
}

// build returns a signed request.
func (c *Client) build(
	ctx context.Context, q request, k alibaba.Credentials,
) (*http.Request, error) {
	var body []byte
	if q.body != nil {
		var err error
		if body, err = encode(q.body); err != nil {
			return nil, err
		}
	}
	resource := "/queues/" + q.queue + "/messages"
	switch {
	case q.ofQueue:
		resource = "/queues/" + q.queue
	case q.topic != "":
		resource = "/topics/" + q.topic + "/messages"
	}
	if q.query != "" {
		resource += "?" + q.query
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.Endpoint+resource, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the endpoint %q is no URL: %w", c.Endpoint, err)
	}
	h := r.Header
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Mns-Version", version)
	h.Set("Content-Type", contentType)
	if body != nil {
		h.Set("Content-Md5", digest(body))
	}
	if k.SecurityToken != "" {
		h.Set("Security-Token", k.SecurityToken)
	}
	h.Set("Authorization",
		"MNS "+k.AccessKeyID+":"+signature(k.AccessKeySecret, q.method, resource, h))
	return r, nil
}

// ErrCredentials means that there are no credentials to sign a request with.
var ErrCredentials = errors.New("there are no credentials")

func (c *Client) credentials(ctx context.Context) (alibaba.Credentials, error) {
	if c.Credentials == nil {
		return alibaba.Credentials{}, ErrCredentials
	}
	k, err := c.Credentials(ctx)
	switch {
	case err != nil:
		return k, fmt.Errorf("%w: %w", ErrCredentials, err)
	case k.AccessKeyID == "" || k.AccessKeySecret == "":
		return k, ErrCredentials
	}
	return k, nil
}
