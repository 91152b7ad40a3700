package rpc

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

// request is one request on its way. Calls are pooled: nothing that leaves one may share its buffers.
type request struct {
	*handler
	w     http.ResponseWriter
	r     *http.Request
	conn  *conn // the request's connection; nil outside Server's bounds
	began time.Time

	body   []byte // raw
	kind   bodyKind
	hold   inflight.Hold // for body
	query  int           // so many of params come from the URL
	params params
	out    []byte // the answer

	claimsV3      bool // the Authorization header says so
	header        bool // operation and version are in headers, as V3 has them
	authorization sign.Authorization
	signed        sign.Request // what a V3 signature covers
	unsigned      *fault.Error // why it does not cover what it says; nil when it does

	operation *operation
	caller    cloudflow.Caller
	ctx       context.Context // of the operation
	shared    bool            // the request counts among its account's
	turn      *share.Turn
	host      string // host that the signature was made for, or the one received
	requestID string
	status    int
}

// keepMax bounds the buffers that a pooled call keeps.
const keepMax = 256 << 10

func (c *request) begin(w http.ResponseWriter, r *http.Request) {
	c.w, c.r, c.conn = w, r, connOf(r.Context())
	c.host = cutHost(r.Host)
	c.hold.Budget = c.Bytes
	if c.AccessLog != nil {
		c.began = time.Now()
	}
}

// end logs and forgets the request.
func (c *request) end() {
	c.releaseShare()
	if c.AccessLog != nil {
		name := ""
		if c.operation != nil {
			name = c.operation.name
		}
		c.AccessLog.LogAttrs(context.Background(), slog.LevelInfo, "request", slog.String("operation", name),
			slog.Int("status", c.status), slog.Duration("duration", time.Since(c.began)), slog.String("requestId", c.requestID))
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

// serve answers, whatever happens on the way.
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

// run does what the request asks for. A status other than 0 replaces the one of the fault's code.
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

// preflight makes the checks that come before the operation's own parameters, in their order (api.md 2.9).
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
		return fault.New(fault.ResourceThrottled, "The request is throttled. Please try again later.")
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

// unauthenticatedFree is the length of a body, in bytes, up to which a request waits for no processor before
// its caller is known.
const unauthenticatedFree = 8 << 10

// acquireUnauthenticatedTurn waits for a processor to read a long body with: what it takes to check the
// signature of a long form must not hold up everybody else. Callers who are not known take turns with
// the account that they claim to be; the others among themselves. admit ends the turn.
func (c *request) acquireUnauthenticatedTurn() (err error) {
	if len(c.body) > unauthenticatedFree && c.Processors != nil {
		c.turn, err = c.Processors.AcquireTurn(c.r.Context(), share.Claimed(c.claimedAccount()))
	}
	return err
}

// claimedAccount returns the account that a request claims to be of, by the access key that it names, which
// nothing has shown yet; "" when it names none. It goes by what can be found without decoding the body.
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
	if k := c.Credentials.keys[id]; k != nil {
		return k.account
	}
	return ""
}

// keyIDMax bounds what is looked at as the id of an access key, in bytes.
const keyIDMax = 256

// rawField returns a field of a form as it is written, of which it is given the name and "="; "" when
// there is none.
func rawField(form []byte, name string) string {
	_, field, _ := bytes.Cut(form, []byte(name))
	field, _, _ = bytes.Cut(field[:min(len(field), keyIDMax)], []byte("&"))
	return string(field)
}

// acquireShare counts the request among its account's, and waits for its turn. end gives both back.
func (c *request) acquireShare() error {
	if err := c.Requests.TryAcquire(c.caller.Account, 1); err != nil {
		return cloudflow.FaultOf(err)
	}
	c.shared = true
	var err error
	c.ctx, c.turn, err = c.Processors.WithTurn(c.r.Context(), c.caller.Account)
	return err
}

// delayRejection waits before the account is refused more than its share. The request holds nothing
// meanwhile but its connection. In functions, which have no shares, it would cost money.
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

// releaseShare gives back what the request holds of its account's share.
func (c *request) releaseShare() {
	c.turn.Release()
	if c.shared {
		c.shared = false
		c.Requests.Release(c.caller.Account, 1)
	}
}

// markIdle counts the request's connection among those that wait, which a newcomer may take the place
// of.
func (c *request) markIdle() {
	if c.conn != nil {
		c.conn.connections.markResponding(c.conn)
	}
}

// panicked answers a panic like any internal error; its text and stack are for the log.
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

// respondError answers an error and logs its cause, which the caller does not see.
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
		c.Logger.Log(context.Background(), level, "request failed", "requestId", c.requestID, "code", f.Code, "cause", f.Err)
	}
	c.respondFault(f, status)
}

// respondFault answers with a fault.
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

// respond sends c.out. From here on the client decides how long it takes: the request gives up its processor, its connection
// counts among those that wait, and a long answer is charged to the budget of the process.
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

// responseFree is how many bytes an answer may have that is not charged.
const responseFree = 16 << 10

// hostMax is the longest name of a host, with a port: answers and logs show no more of what a client claims.
const hostMax = 255 + len(":65535")

func cutHost(host string) string { return host[:min(len(host), hostMax)] }

// ensureRequestID gives the request an id unless it has one.
func (c *request) ensureRequestID() {
	if c.requestID == "" {
		c.requestID = newRequestID()
	}
}

// first gives the value of a parameter, "" when it is absent.
func first(list []sign.Param, name string) string {
	for i := range list {
		if list[i].Name == name {
			return list[i].Value
		}
	}
	return ""
}
