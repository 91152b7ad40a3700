// Package server serves the CloudFlow API (2019-03-15): signatures, routing, parameters, responses
// and faults. It turns an HTTP request into a call of API; it knows nothing about flows.
//
// It makes its checks in the order of docs/api.md#order-of-checks: size, media type, operation,
// version, credentials, throttle, policy, required parameters, formats. The service makes the
// remaining checks. Query strings and parameters must not be logged, because they hold tokens.
package server

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"millrace/shared/headers"
	"millrace/shared/inflight"
	"millrace/shared/rpc/auth"
	"millrace/shared/share"
)

// Options configure the server. Only API must be set.
type Options struct {
	API API
	// Credentials say who may call. If nil, the server is open: it checks no signatures, and every
	// caller is Account.
	Credentials *auth.Credentials
	Region      string // "" is cn-hangzhou
	Account     string // the account of an open server; "" is DefaultAccount
	// Hosts are further names of the server, for a proxy that rewrites the Host header: a V3
	// signature is also accepted if it was made for one of these names (port included, as the
	// client writes it).
	Hosts []string
	// LoopbackOnly restricts an open server to this machine: it rejects requests that a web page
	// may have sent through a local user's browser.
	LoopbackOnly bool
	// Now is the clock for signatures and throttles; nil is time.Now.
	Now func() time.Time
	// Rates throttle each account per operation; "*" stands for every operation without a rate of
	// its own. nil: no throttle.
	Rates map[string]Rate
	// MaxBody is the limit of a request's query and body together, in bytes; 0 is 1 MiB.
	MaxBody int64
	// CheckNonces rejects a used signature nonce for every operation, not only for the
	// replay-protected ones (CreateFlow, UpdateFlow, DeleteFlow, StartSyncExecution).
	CheckNonces bool
	// Requests limits the requests that one account may have open. Processors limits the requests
	// that are worked on; a request releases its turn when it starts to wait. A nil pool is no
	// limit.
	Requests, Processors *share.Pool
	// Nonces remembers used nonces; nil is a bounded set in memory, which is enough for one
	// process.
	Nonces Nonces
	// Bytes limits the bytes that the bodies of all requests hold at one time. Above it, requests
	// are rejected with ServiceUnavailable. nil: no limit.
	Bytes *inflight.Budget
	// Rejections counts the requests that are rejected before the caller is known; nil: they are
	// only logged.
	Rejections *Rejections
	// Logger receives the causes of internal errors, panics included; nil is slog.Default().
	Logger *slog.Logger
	// AccessLog receives one line per request: operation, status, duration and request id; nil: no
	// access log.
	AccessLog *slog.Logger
}

const (
	defaultRegion = "cn-hangzhou"
	// DefaultAccount is the account of an open server if Options.Account is "".
	DefaultAccount = "1234567890123456"
	defaultMaxBody = 1 << 20
)

// healthPath is for monitoring and needs no credentials.
const healthPath = "/healthz"

// handler serves the API at `/`.
type handler struct {
	Options
	throttle *throttle
	slowdown slowdown
	requests sync.Pool // of *request
}

// NewHandler returns the handler of the API: `/` serves every operation, `/healthz` reports that
// the process is alive. Every other path gets a JSON response too.
func NewHandler(o Options) http.Handler {
	o.Region = cmp.Or(o.Region, defaultRegion)
	o.Account = cmp.Or(o.Account, DefaultAccount)
	o.MaxBody = cmp.Or(o.MaxBody, defaultMaxBody)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Nonces == nil {
		o.Nonces = NewNonces(nonceCapacity, o.Now)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Credentials != nil {
		o.Credentials.Warn(o.Logger)
	}
	if o.Rejections == nil {
		o.Rejections = NewRejections(o.Logger)
	}
	h := &handler{Options: o, throttle: newThrottle(o.Rates)}
	h.requests.New = func() any { return &request{handler: h} }
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == healthPath {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		headers.Private(w.Header())
		w.Write([]byte("ok\n"))
		return
	}
	c := h.requests.Get().(*request)
	c.begin(w, r)
	defer func() {
		c.end()
		h.requests.Put(c)
	}()
	c.serve()
}

// New returns an HTTP server with limits that suit the API. A client must send its headers within
// seconds; the handler of NewHandler requires the same of the body. A long poll or a synchronous
// execution may take minutes.
func New(addr string, h http.Handler) *Server {
	return &Server{Server: &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      10 * time.Minute, // longer than an Express execution and its response
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    defaultMaxBody + 64<<10, // a GET has its parameters in the request line
	}}
}
