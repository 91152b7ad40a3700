package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/headers"
	"millrace/shared/inflight"
	"millrace/shared/rpc/sign"
	"millrace/shared/share"
)

// request is one HTTP request while it is served. Requests are pooled: nothing that outlives one
// may share its buffers.
type request struct {
	*handler
	w     http.ResponseWriter
	r     *http.Request
	conn  *conn // nil if Server does not limit its connections
	began time.Time

	body   []byte // raw
	kind   bodyKind
	hold   inflight.Hold // for body
	query  int           // so many of params come from the URL's query
	params params
	out    []byte // response body

	claimsV3      bool // the Authorization header claims a V3 signature
	header        bool // operation and version come from headers, as in V3
	authorization sign.Authorization
	signed        sign.Request // what the V3 signature covers
	unsigned      *fault.Error // why the signed headers are rejected; nil if they are not

	operation *operation
	caller    cloudflow.Caller
	anonymous bool            // nobody has signed the request, and nobody needs to
	ctx       context.Context // of the operation
	shared    bool            // the request is counted in Requests
	turn      *share.Turn
	host      string // the host that the signature was made for, or the Host header
	requestID string
	status    int
}

// keepMax is the largest buffer that a pooled request keeps, in bytes.
const keepMax = 256 << 10

func (c *request) begin(w http.ResponseWriter, r *http.Request) {
	c.w, c.r, c.conn = w, r, connOf(r.Context())
	c.host = cutHost(r.Host)
	c.hold.Budget = c.Bytes
	if c.AccessLog != nil {
		c.began = time.Now()
	}
}

// end writes the access log, releases what the request holds and clears it for the pool.
func (c *request) end() {
	c.releaseShare()
	if c.AccessLog != nil {
		name := ""
		if c.operation != nil {
			name = c.operation.name
		}
		c.AccessLog.LogAttrs(context.Background(), slog.LevelInfo, "request",
			slog.String("operation", name), slog.Int("status", c.status),
			slog.Duration("duration", time.Since(c.began)), slog.String("requestId", c.requestID))
	}
	list, body, out := c.params.list, c.body[:0], c.out[:0]
	clear(list)
	if cap(body) > keepMax {
		body = nil
	}
	if cap(out) > keepMax {
		out = nil
	}
	c.hold.Release()
	c.signed.Headers.Clear()
	*c = request{handler: c.handler, body: body, out: out, params: params{list: list[:0]},
		signed: sign.Request{Headers: c.signed.Headers}}
}

// serve runs the request and responds. A panic is a response too.
func (c *request) serve() {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
		}
	}()
	status, err := c.run()
	if err != nil {
		if fault.CodeOf(err) == fault.ResourceThrottled {
			c.delayRejection()
		}
		c.respondError(err, status)
		return
	}
	c.respond(http.StatusOK)
}

// run executes the operation and leaves the response in c.out. If status is not 0, it replaces the
// status of the fault's code.
func (c *request) run() (status int, _ error) {
	if path := c.r.URL.Path; path != "/" && path != "" {
		return http.StatusNotFound, actionNotSupported(path)
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodPost {
		c.w.Header()["Allow"] = allowed
		return http.StatusMethodNotAllowed, actionNotSupported(c.r.Method)
	}
	if err := c.preflight(); err != nil {
		return 0, err
	}
	c.out = append(c.out[:0], `{"RequestId":`...)
	c.out = appendText(c.out, c.requestID)
	c.caller.RequestID, c.caller.Host, c.caller.Region = c.requestID, c.host, c.Region
	out, err := c.operation.run(c.ctx, c.API, c.caller, &c.params, c.out)
	if err != nil {
		return 0, err
	}
	c.out = append(out, '}')
	return 0, nil
}

// preflight makes the checks that precede the operation, in the order of
// docs/api.md#order-of-checks.
func (c *request) preflight() error {
	if err := c.rejectBrowser(); err != nil {
		return err
	}
	if err := c.read(); err != nil {
		return err
	}
	if err := c.route(); err != nil {
		return err
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	c.turn.Release()
	if !c.throttle.admit(c.caller.Account, c.operation.name, c.Now()) {
		return fault.New(fault.ResourceThrottled,
			"The request is throttled. Please try again later.")
	}
	if c.anonymous {
		c.ctx = c.r.Context()
		c.ensureRequestID()
		return nil
	}
	if err := c.acquireShare(); err != nil {
		return err
	}
	if err := c.decode(); err != nil {
		return err
	}
	c.ensureRequestID()
	if err := c.authorize(); err != nil {
		return err
	}
	for _, name := range c.operation.required {
		if c.params.str(name) == "" {
			return missingParam(name)
		}
	}
	return c.params.checkText()
}

// unauthenticatedFree is the longest body, in bytes, for which a request needs no turn before its
// caller is authenticated.
const unauthenticatedFree = 8 << 10

// acquireUnauthenticatedTurn waits for a processor before a long body is read: checking the
// signature of a long form must not delay all other callers. The request takes its turn among those
// of the account that it claims to belong to, or among those that name no known account. preflight
// releases the turn.
func (c *request) acquireUnauthenticatedTurn() (err error) {
	if len(c.body) > unauthenticatedFree && c.Processors != nil {
		c.turn, err = c.Processors.AcquireTurn(c.r.Context(), share.Claimed(c.claimedAccount()))
	}
	return err
}

// claimedAccount returns the account of the access key that the request names; "" if it names no
// known key. Nothing has verified the claim yet. It does not decode the body.
func (c *request) claimedAccount() string {
	if c.Credentials == nil {
		return ""
	}
	id := c.authorization.Credential
	if id == "" {
		id = first(c.params.list, "AccessKeyId")
	}
	if id == "" {
		id = rawField(c.body, "AccessKeyId=")
	}
	return c.Credentials.AccountOf(id)
}

// keyIDMax is the longest access key id that rawField returns, in bytes.
const keyIDMax = 256

// rawField returns the value of a form field without decoding it; "" if there is none. name
// includes the "=".
func rawField(form []byte, name string) string {
	_, field, _ := bytes.Cut(form, []byte(name))
	field, _, _ = bytes.Cut(field[:min(len(field), keyIDMax)], []byte("&"))
	return string(field)
}

// acquireShare counts the request among its account's and waits for its turn. end releases both.
func (c *request) acquireShare() error {
	if err := c.Requests.TryAcquire(c.caller.Account, 1); err != nil {
		return cloudflow.FaultOf(err)
	}
	c.shared = true
	var err error
	c.ctx, c.turn, err = c.Processors.WithTurn(c.r.Context(), c.caller.Account)
	return err
}

// delayRejection waits before an account is told that it exceeds its share. Meanwhile the request
// holds only its connection. It does not wait in cloud functions, which have no shares: there,
// waiting costs money.
func (c *request) delayRejection() {
	if c.Requests == nil {
		return
	}
	c.ensureRequestID()
	c.releaseShare()
	c.body = nil
	c.hold.Release()
	c.markIdle()
	c.slowdown.wait(c.r.Context(), c.caller.Account)
}

// releaseShare releases the request's turn and its place among its account's requests.
func (c *request) releaseShare() {
	c.turn.Release()
	if c.shared {
		c.shared = false
		c.Requests.Release(c.caller.Account, 1)
	}
}

// markIdle marks the request's connection as idle: a new connection may evict it.
func (c *request) markIdle() {
	if c.conn != nil {
		c.conn.connections.markResponding(c.conn)
	}
}

// panicked responds to a panic as to any internal error. The text and the stack go to the log only.
func (c *request) panicked(v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	name := ""
	if c.operation != nil {
		name = c.operation.name
	}
	c.ensureRequestID()
	c.Logger.Error("panic while serving", "operation", name, "requestId", c.requestID, "panic", v,
		"stack", string(debug.Stack()))
	c.respondFault(&fault.Error{Code: fault.InternalServerError, Message: internalMessage}, 0)
}

// respondError responds with the fault of err and logs its cause, which the caller does not see.
func (c *request) respondError(err error, status int) {
	f := fault.Internal(err)
	if f.Err != nil {
		c.ensureRequestID()
		level := slog.LevelError
		switch {
		case c.r.Context().Err() != nil: // the caller has gone
			level = slog.LevelDebug
		case f.Code != fault.InternalServerError:
			level = slog.LevelWarn
		}
		c.Logger.Log(context.Background(), level, "request failed", "requestId", c.requestID,
			"code", f.Code, "cause", f.Err)
	}
	c.respondFault(f, status)
}

func (c *request) respondFault(f *fault.Error, status int) {
	c.ensureRequestID()
	if status == 0 {
		status = f.Code.Status()
	}
	dst := append(c.out[:0], '{')
	dst = field(dst, "RequestId", c.requestID)
	dst = field(dst, "HostId", c.host)
	dst = field(dst, "Code", string(f.Code))
	dst = field(dst, "Message", f.Message)
	dst = field(dst, "Recommend", "")
	c.out = append(dst, '}')
	c.respond(status)
}

var (
	jsonType = []string{"application/json;charset=utf-8"}
	allowed  = []string{"GET, POST"}
)

// respond sends c.out. From here on the client determines how long it takes. So the request
// releases its turn, its connection counts as idle, and a long response is charged to the budget of
// the process.
func (c *request) respond(status int) {
	c.turn.Release()
	if len(c.out) > responseFree && !c.hold.TryGrow(c.hold.Held()+int64(len(c.out))) {
		c.Rejections.add(rejectedResponse)
		c.out, status = faultBody(c.requestID, tooBusy()), http.StatusServiceUnavailable
	}
	c.status = status
	head := c.w.Header()
	head["Content-Type"] = jsonType
	head["Content-Length"] = []string{strconv.Itoa(len(c.out))}
	head["X-Acs-Request-Id"] = []string{c.requestID}
	headers.Private(head)
	c.markIdle()
	c.w.WriteHeader(status)
	c.w.Write(c.out)
}

// responseFree is the longest response that is not charged to the budget, in bytes.
const responseFree = 16 << 10

// hostMax is the longest host name with a port, in bytes: responses and logs show no more of the
// Host header.
const hostMax = 255 + len(":65535")

func cutHost(host string) string { return host[:min(len(host), hostMax)] }

func (c *request) ensureRequestID() {
	if c.requestID == "" {
		c.requestID = newRequestID()
	}
}

// first returns the value of the first parameter of this name; "" if there is none.
func first(list []sign.Param, name string) string {
	for i := range list {
		if list[i].Name == name {
			return list[i].Value
		}
	}
	return ""
}
