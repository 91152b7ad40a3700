package otsstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/common"
	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/alibaba"
)

// ClientOptions say where the service is and which credentials sign requests.
type ClientOptions struct {
	// Endpoint is "https://INSTANCE.REGION.ots.aliyuncs.com", or inside a VPC
	// "….vpc.tablestore.aliyuncs.com".
	Endpoint string
	Instance string

	// Credentials returns the credentials of an attempt. It is called before every attempt, so that
	// those of STS may change at any time, and from many goroutines.
	Credentials alibaba.Provider

	// Transport carries the requests; nil: one that keeps as many idle connections as a busy engine
	// has calls in flight.
	Transport http.RoundTripper
}

// Client reaches one instance of TableStore through the official SDK. Its calls take a context,
// which those of the SDK do not. The SDK must not repeat a call: this package must know whether an
// earlier attempt may have been applied, and the SDK's retries share state. It is safe for
// concurrent use.
type Client struct {
	o    ClientOptions
	idle sync.Pool // of *conn
}

// NewClient returns a client. It makes no request.
func NewClient(o ClientOptions) *Client {
	if o.Transport == nil {
		dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
		o.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: 90 * time.Second,
			MaxIdleConns: 256, MaxIdleConnsPerHost: 256,
		}
	}
	c := &Client{o: o}
	c.idle.New = func() any { return newConn(o) }
	return c
}

// conn is a client of the SDK for one call at a time. It holds the context and the credentials of
// that call, because the SDK has no other way to pass them.
type conn struct {
	sdk         *tablestore.TableStoreClient
	transport   http.RoundTripper
	ctx         context.Context
	credentials alibaba.Credentials
}

func newConn(o ClientOptions) *conn {
	c := &conn{transport: o.Transport}
	c.sdk = tablestore.NewClientWithCredentialsProvider(o.Endpoint, o.Instance, c,
		&tablestore.TableStoreConfig{Transport: c})
	return c
}

// RoundTrip implements http.RoundTripper.
func (c *conn) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.transport.RoundTrip(r.WithContext(c.ctx))
}

// GetCredentials implements common.CredentialsProvider.
func (c *conn) GetCredentials() common.Credentials {
	return &common.DefaultCredentials{AccessKeyID: c.credentials.AccessKeyID,
		AccessKeySecret: c.credentials.AccessKeySecret,
		SecurityToken:   c.credentials.SecurityToken}
}

// errNoCredentials is wrapped by the error of a call that cannot be signed.
var errNoCredentials = errors.New("no credentials")

func (c *Client) credentials(ctx context.Context) (alibaba.Credentials, error) {
	if c.o.Credentials == nil {
		return alibaba.Credentials{}, fmt.Errorf("%w: none are configured", errNoCredentials)
	}
	k, err := c.o.Credentials(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return alibaba.Credentials{}, err
	case err != nil:
		return alibaba.Credentials{}, fmt.Errorf("%w: %w", errNoCredentials, err)
	case k.AccessKeyID == "" || k.AccessKeySecret == "":
		return alibaba.Credentials{}, fmt.Errorf("%w: access key or secret is empty",
			errNoCredentials)
	}
	return k, nil
}

// attempt makes one call with the SDK and returns the credentials that signed it. The SDK panics if
// a response lacks a part that it expects; attempt returns an error for that.
func (c *Client) attempt(
	ctx context.Context, call func(*tablestore.TableStoreClient) error,
) (by alibaba.Credentials, err error) {
	if by, err = c.credentials(ctx); err != nil {
		return by, err
	}
	conn := c.idle.Get().(*conn)
	conn.ctx, conn.credentials = ctx, by
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errBadResponse, p)
			return // the state of conn is unknown, so it is not reused
		}
		conn.ctx, conn.credentials = nil, alibaba.Credentials{}
		c.idle.Put(conn)
	}()
	return by, call(conn.sdk)
}

// errBadResponse is wrapped by the error of a response that breaks the service's contract.
var errBadResponse = errors.New("the response cannot be read")
