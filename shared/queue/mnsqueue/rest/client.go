package rest

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
)

// Credentials are an access key, and the token that comes with a temporary one.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // "" with a lasting key
}

// Provider gives the credentials for one request. It is asked for each, so that they may rotate; it must be quick, safe
// for many goroutines, and answers an error where there are none.
type Provider func(ctx context.Context) (Credentials, error)

// Static gives the same credentials for ever.
func Static(c Credentials) Provider {
	return func(context.Context) (Credentials, error) { return c, nil }
}

// Client calls one endpoint. It is safe for many goroutines.
type Client struct {
	// Endpoint is where the account's queues are: http(s)://<account>.mns.<region>.aliyuncs.com, with -internal after the
	// region inside a VPC.
	Endpoint    string
	Credentials Provider
	HTTP        *http.Client // nil: one for all clients, with room for many connections and no limit of time
}

// shared is the HTTP client of clients that have none of their own. A redirect is an answer like any other: what was
// signed for one host is not sent to another.
var shared = &http.Client{
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Endpoint is the address of an account's queues in a region, over TLS.
func Endpoint(account, region string, internal bool) string {
	if internal {
		region += "-internal"
	}
	return "https://" + account + ".mns." + region + ".aliyuncs.com"
}

// responseMax bounds an answer: sixteen messages of 64 KB, and room for how they are written.
const responseMax = 8 << 20

// request is one call.
type request struct {
	method  string
	queue   string  // its name, or
	topic   string  // that of a topic
	ofQueue bool    // about the queue itself, not its messages
	query   string  // as it is sent
	body    any     // a document; nil for none
	id      *string // where the id of the request is put; nil: nowhere
}

// send makes a call and reads the document that answers it into to, unless that is nil. Answers other than 2xx are an
// *Error. A call whose credentials the service does not take, or no longer, was not carried out: it is made once more if
// there are others by now.
func (c *Client) send(ctx context.Context, q request, to any) error {
	k, err := c.credentials(ctx)
	if err != nil {
		return err
	}
	if err = c.attempt(ctx, q, k, to); !stale(Code(err)) {
		return err
	}
	if newer, none := c.credentials(ctx); none == nil && newer != k {
		return c.attempt(ctx, q, newer, to)
	}
	return err
}

// stale tells whether a code says that credentials are not valid, or no longer.
func stale(code string) bool {
	switch code {
	case "InvalidAccessKeyId", "InvalidSecurityToken", "InvalidSecurityToken.Expired", "SecurityTokenExpired", "SecurityTokenInvalid":
		return true
	}
	return false
}

// attempt makes a call once.
func (c *Client) attempt(ctx context.Context, q request, k Credentials, to any) error {
	r, err := c.build(ctx, q, k)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = shared
	}
	answer, err := client.Do(r)
	if err != nil {
		var u *url.Error // its text has the handle, which is long and no one's business
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer answer.Body.Close()
	if q.id != nil {
		*q.id = answer.Header.Get("X-Mns-Request-Id")
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, responseMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case len(text) > responseMax:
		return fmt.Errorf("the answer is longer than %d bytes", responseMax)
	case answer.StatusCode/100 != 2:
		return readError(answer, text, to)
	case to == nil, len(text) == 0:
		return nil
	}
	if err := decode(text, to); err != nil {
		return fmt.Errorf("status %d: the answer cannot be read: %w", answer.StatusCode, err)
	}
	return nil
}

// build makes a signed request.
func (c *Client) build(ctx context.Context, q request, k Credentials) (*http.Request, error) {
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
	h.Set("Authorization", "MNS "+k.AccessKeyID+":"+signature(k.AccessKeySecret, q.method, resource, h))
	return r, nil
}

// ErrCredentials says that there are no credentials to sign a request with.
var ErrCredentials = errors.New("there are no credentials")

func (c *Client) credentials(ctx context.Context) (Credentials, error) {
	if c.Credentials == nil {
		return Credentials{}, ErrCredentials
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
