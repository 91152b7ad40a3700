package rpc

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/headers"
	"millrace/shared/inflight"
	"millrace/shared/share"
)

// Options configure the server. Only API must be set.
type Options struct {
	API cloudflow.API
	// Credentials are who may call; nil opens the server: signatures are not checked, and everybody is Account.
	Credentials *Credentials
	Region      string // "" is cn-hangzhou
	Account     string // the account of an open server; "" is 1234567890123456
	// Hosts are further names under which the server is reached: behind a proxy that rewrites the Host header, a V3
	// signature is also accepted when it was made for one of these (port included, as the client writes it).
	Hosts []string
	// LoopbackOnly says that an open server is meant for this machine alone: it refuses requests that a web page may
	// have sent through the browser of whoever sits here.
	LoopbackOnly bool
	// Now is the clock for signatures and throttles; nil is time.Now.
	Now func() time.Time
	// Rates throttle each account per operation; the name "*" is any operation without a rate of its own. nil: none.
	Rates map[string]Rate
	// MaxBody bounds query and body of a request together, in bytes; 0 is 1 MiB.
	MaxBody int64
	// CheckNonces refuses a signature nonce that was used before for every operation, not only for those whose replay
	// would undo something (CreateFlow, UpdateFlow, DeleteFlow).
	CheckNonces bool
	// Requests are those of an account that are open at once, and Processors what works on them: a
	// request gives up its turn when it begins to wait. nil pools are no bound.
	Requests, Processors *share.Pool
	// Nonces remembers nonces; nil is a bounded set in memory, right for one process.
	Nonces Nonces
	// Bytes is what the bodies of all requests may hold at one time; beyond, requests are refused
	// with ServiceUnavailable. nil: no bound.
	Bytes *inflight.Budget
	// Rejections counts what is refused before the caller is known; nil: it is only logged.
	Rejections *Rejections
	// Logger gets causes of internal errors, panics among them; nil is slog.Default().
	Logger *slog.Logger
	// AccessLog gets one line a request: operation, status, duration and request id; nil is none.
	AccessLog *slog.Logger
}

const (
	defaultRegion = "cn-hangzhou"
	// DefaultAccount is the account of an open server that is given no other.
	DefaultAccount = "1234567890123456"
	defaultMaxBody = 1 << 20
	apiVersion     = "2019-03-15"
)

// healthPath is for monitoring. It needs no credentials.
const healthPath = "/healthz"

// handler serves the API at `/`.
type handler struct {
	Options
	throttle *throttle
	slowdown slowdown
	requests sync.Pool // *call
}

// New gives the handler of the API: `/` for every operation, `/healthz` for whoever watches the process. It answers
// JSON to everything else too.
func New(o Options) http.Handler {
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
		o.Credentials.warn(o.Logger)
	}
	if o.Rejections == nil {
		o.Rejections = NewRejections(o.Logger)
	}
	h := &handler{Options: o, throttle: newThrottle(o.Rates)}
	h.requests.New = func() any { return &request{handler: h} }
	return h
}

// ServeHTTP answers one request.
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

// NewServer gives an HTTP server with limits that suit the API: a client must send its headers within seconds (and
// New's handler wants bodies within seconds too), while a long poll or a synchronous execution may take its minutes.
func NewServer(addr string, h http.Handler) *Server {
	return &Server{Server: &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      10 * time.Minute, // longer than the longest Express execution and its answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    defaultMaxBody + 64<<10, // a GET has its parameters in the request line
	}}
}
