package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// New returns a client with the given options. It is safe for use by many goroutines, keeps
// connections open for many concurrent calls to few hosts, follows at most RedirectsMax redirects,
// and has no timeout except for connecting: callers set one with the request's context. The error
// names an entry of the allow list that cannot be parsed.
func New(o Options) (*http.Client, error) {
	p, err := newPolicy(o)
	if err != nil {
		return nil, err
	}
	limit := min(o.MaxResponse, maxResponseLimit)
	if limit <= 0 {
		limit = MaxResponseDefault
	}
	return &http.Client{
		Transport: &limitTransport{
			next: &plain{next: newTransport(p, o.Resolver)}, limit: limit,
			ownHost: len(o.Allow) > 0,
		},
		CheckRedirect: checkRedirect,
	}, nil
}

// WithoutRedirects returns a client over the same connections that returns a redirect as the
// response.
func WithoutRedirects(client *http.Client) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// OrInternal returns client. If client is nil, it returns one that may call loopback and private
// networks: for addresses that the operator configured, never for those of a flow.
func OrInternal(client *http.Client) *http.Client {
	if client != nil {
		return client
	}
	return NewInternal(MaxResponseDefault)
}

// NewInternal returns a client that may call loopback and private networks and reads at most
// maxResponse bytes of a response.
func NewInternal(maxResponse int64) *http.Client {
	p := &policy{loopback: true, private: true}
	return &http.Client{
		Transport: &limitTransport{
			next: &plain{next: newTransport(p, nil)}, limit: maxResponse,
		},
		CheckRedirect: checkRedirect,
	}
}

// ownReason is the reason why the process's own listeners are not called.
const ownReason = "the engine itself listens there"

// newTransport returns a transport that connects only to addresses that the policy allows.
func newTransport(p *policy, resolver *net.Resolver) *http.Transport {
	dial := func(ctx context.Context, network, hostport string) (net.Conn, error) {
		if p.refusesName(hostport) {
			host, _, _ := net.SplitHostPort(hostport)
			return nil, &BlockedError{Host: host, Reason: notListed}
		}
		d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: resolver}
		// Control gets the address that is about to be connected, so there is no second look-up
		// that could return another address.
		d.Control = func(_, resolved string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return &BlockedError{Host: hostport, Reason: "its address cannot be read"}
			}
			if isOwn(to, false) {
				return blocked(hostport, to.Addr(), ownReason)
			}
			return p.check(hostport, to.Addr())
		}
		conn, err := d.DialContext(ctx, network, hostport)
		if err == nil && reachesOwn(conn) {
			conn.Close()
			return nil, blocked(hostport, netip.Addr{}, ownReason)
		}
		return conn, err
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           idleMax,
		MaxIdleConnsPerHost:    idleHostMax,
		IdleConnTimeout:        idleTime,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: responseHead,
	}
}

// limitTransport limits the size of response bodies.
type limitTransport struct {
	next    *plain
	limit   int64
	ownHost bool // the Host header must name the host of the URL
}

// RoundTrip sends one request. Reading the response body beyond the limit fails with ErrTooLarge.
func (g *limitTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	// One address may serve many hosts, distinguished only by the Host header, so this header must
	// not bypass an allow list.
	if g.ownHost && req.Host != "" && !strings.EqualFold(req.Host, req.URL.Host) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, &BlockedError{Host: req.URL.Hostname(),
			Reason: "the Host header names another host, and the allow list is for addresses"}
	}
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	// Content-Length counts bytes on the wire. It is -1 if the response was decompressed.
	if resp.ContentLength > g.limit && req.Method != http.MethodHead {
		resp.Body.Close()
		return nil, ErrTooLarge
	}
	resp.Body = &limitedBody{body: resp.Body, left: g.limit}
	return resp, nil
}

// Doer sends a request, as *http.Client does.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// LimitResponses returns next with a limit on its response bodies, in bytes: reading beyond it
// fails with ErrTooLarge.
func LimitResponses(next Doer, limit int64) Doer { return limitedDoer{next, limit} }

type limitedDoer struct {
	next  Doer
	limit int64
}

func (l limitedDoer) Do(req *http.Request) (*http.Response, error) {
	resp, err := l.next.Do(req)
	if err == nil {
		resp.Body = &limitedBody{body: resp.Body, left: l.limit}
	}
	return resp, err
}

// PlainBodies returns next for a client that closes the body of a request as soon as the response
// begins, as the SDK of AWS does. The WriteTo of a body that the SDK has closed returns io.EOF.
// net/http, which looks once more for the end of a body that it has sent, takes that for a failed
// write and closes the connection, although the response is still being read. Without WriteTo it
// sees the end.
func PlainBodies(next Doer) Doer { return plainBodies{next} }

type plainBodies struct{ next Doer }

func (p plainBodies) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		copied := *req
		copied.Body = struct{ io.ReadCloser }{req.Body}
		req = &copied
	}
	return p.next.Do(req)
}

// CloseIdleConnections makes http.Client.CloseIdleConnections close the connections of next.
func (g *limitTransport) CloseIdleConnections() { g.next.CloseIdleConnections() }

// limitedBody is a response body with a limit.
type limitedBody struct {
	body io.ReadCloser
	left int64 // bytes that may still be read
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return b.body.Read(p)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more, to distinguish the end from the limit
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = 0
		return n, ErrTooLarge
	}
	b.left -= int64(n)
	return n, err
}

func (b *limitedBody) Close() error { return b.body.Close() }

func (b *limitedBody) cut() { abortRead(b.body) }

// UserAgent is the User-Agent of requests for which a flow sets none.
const UserAgent = "Millrace"

// checkRedirect limits the redirects. It sends nothing that is meant for one host to the next:
// neither the task token nor any header that the flow has set, because any header may contain an
// API key. Only Content-Type is kept, if there is a body.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > RedirectsMax {
		return fmt.Errorf("stopped after %d redirects", RedirectsMax)
	}
	crossed := !sameHost(req.URL, via[0].URL)
	for _, hop := range via[1:] {
		crossed = crossed || !sameHost(hop.URL, via[0].URL)
	}
	if !crossed {
		return nil
	}
	header := http.Header{"User-Agent": {UserAgent}}
	if kind := req.Header["Content-Type"]; kind != nil && req.Body != nil &&
		req.Body != http.NoBody {
		header["Content-Type"] = kind
	}
	req.Header = header
	return nil
}

// sameHost reports whether a redirect stays at the same server: the same scheme, host and port, or
// from plain HTTP to TLS on the same host, each at its default port.
func sameHost(to, from *url.URL) bool {
	if to.Scheme == from.Scheme {
		return to.Host == from.Host
	}
	return from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname() &&
		(from.Port() == "" || from.Port() == "80") && (to.Port() == "" || to.Port() == "443")
}

// Reason returns the text of a failed call. It omits the URL, which may contain secrets, and facts
// about the internal network: the name server, and whether a name exists there.
func Reason(err error) string {
	var blockedErr *BlockedError
	if errors.As(err, &blockedErr) {
		return blockedErr.Error()
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		if unknown.IsNotFound {
			return (&BlockedError{Host: strings.TrimSuffix(unknown.Name, "."),
				Reason: noHost}).Error()
		}
		return "the name of the host could not be looked up"
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	return err.Error()
}
