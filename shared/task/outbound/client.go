package outbound

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

// New returns a client with the given options. It is safe for use by many goroutines, keeps connections open for
// many calls at once to few hosts, follows at most RedirectsMax redirects, and has no time limit of its own beyond
// connecting: give requests a context. The error names an entry of the allow list that cannot be read.
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
		Transport:     &limitTransport{next: &plain{next: newTransport(p, o.Resolver)}, limit: limit, ownHost: len(o.Allow) > 0},
		CheckRedirect: checkRedirect,
	}, nil
}

// WithoutRedirects returns a client over the same connections for which a redirect is the answer.
func WithoutRedirects(client *http.Client) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// OrInternal returns client, or, when it is nil, one that may call loopback and private networks: for addresses that
// the operator wrote down, never for those of a flow.
func OrInternal(client *http.Client) *http.Client {
	if client != nil {
		return client
	}
	return NewInternal(MaxResponseDefault)
}

// NewInternal returns a client that may call loopback and private networks and reads maxResponse
// bytes of an answer.
func NewInternal(maxResponse int64) *http.Client {
	p := &policy{loopback: true, private: true}
	return &http.Client{
		Transport:     &limitTransport{next: &plain{next: newTransport(p, nil)}, limit: maxResponse},
		CheckRedirect: checkRedirect,
	}
}

// ownReason is the reason for which the process's own listeners are not called.
const ownReason = "the engine itself listens there"

// newTransport returns a transport that connects where the policy allows.
func newTransport(p *policy, resolver *net.Resolver) *http.Transport {
	dial := func(ctx context.Context, network, hostport string) (net.Conn, error) {
		if p.refusesName(hostport) {
			host, _, _ := net.SplitHostPort(hostport)
			return nil, &BlockedError{Host: host, Reason: notListed}
		}
		d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: resolver}
		// Control sees the very address that is about to be connected, so there is no second look-up that could
		// give another one.
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

// limitTransport bounds what is read of a response.
type limitTransport struct {
	next    *plain
	limit   int64
	ownHost bool // requests must carry the host that they are sent to
}

// RoundTrip sends one request; the body of its response fails with ErrTooLarge beyond the limit.
func (g *limitTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	// Behind one address there may be many hosts, told apart by this header alone: it must not lead
	// past an allow list.
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
	// Content-Length counts the bytes of the wire; of a response that was decompressed it is -1.
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

// LimitResponses returns next with a bound of its responses, in bytes: their bodies fail with ErrTooLarge
// beyond it.
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

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the pool.
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
		p = p[:b.left+1] // one more, to tell the end from the limit
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

// UserAgent is what requests call themselves when a flow does not say.
const UserAgent = "Millrace"

// checkRedirect bounds the redirects and keeps what is meant for one host from the next: the task token, and every header
// that the flow has set, for an API key may stand under any name. Only the type of a body goes with it.
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
	if kind := req.Header["Content-Type"]; kind != nil && req.Body != nil && req.Body != http.NoBody {
		header["Content-Type"] = kind
	}
	req.Header = header
	return nil
}

// sameHost tells whether a redirect stays with whom it came from: the same scheme, host and port, or the host's step from
// plain HTTP to TLS, each at its usual port.
func sameHost(to, from *url.URL) bool {
	if to.Scheme == from.Scheme {
		return to.Host == from.Host
	}
	return from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname() &&
		(from.Port() == "" || from.Port() == "80") && (to.Port() == "" || to.Port() == "443")
}

// Reason is the text of a failed call without the address that was called, which may carry secrets,
// and without what is known only inside: the name server, and whether a name exists there.
func Reason(err error) string {
	var blockedErr *BlockedError
	if errors.As(err, &blockedErr) {
		return blockedErr.Error()
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		if unknown.IsNotFound {
			return (&BlockedError{Host: strings.TrimSuffix(unknown.Name, "."), Reason: noHost}).Error()
		}
		return "the name of the host could not be looked up"
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	return err.Error()
}
