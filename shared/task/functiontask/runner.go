package functiontask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/value"
)

// Action is the action that the runner carries out.
const Action = "FC:InvokeFunction"

// Options configures a runner.
type Options struct {
	Functions []Function
	// Client calls the functions that have an address; it is a client of package httpclient. nil
	// means one that may call loopback and private networks, because the operator wrote the
	// addresses.
	Client *http.Client
	// Log receives lines that a function printed, without their line ends, and lines about the
	// state of functions. It is called from many goroutines. nil drops the lines.
	Log func(line string)
	// BackgroundMax is the maximum number of asynchronous invocations that run at once; 0 means 64.
	// Up to BacklogMax more wait; the runner rejects any beyond that.
	BackgroundMax int
	// MaxResponse is the maximum size of a command's response in bytes; 0 means
	// httpclient.MaxResponseDefault.
	MaxResponse int64
	// Account is the only account whose flows call; "" if there may be several. A process of an
	// entry that serves one account finds its id in FC_ACCOUNT_ID.
	Account string
	// Next carries out calls of functions that no entry matches. If it is nil, they fail as not
	// found.
	Next task.Runner
}

// commandTimeout bounds a call of a command whose entry sets no timeout, because a program that
// reads an event and never responds must not block its task for ever.
const commandTimeout = time.Hour

// BacklogMax is the maximum number of asynchronous invocations that wait to run.
const BacklogMax = 10000

// Runner carries out FC:InvokeFunction. Close ends its processes.
type Runner struct {
	functions  []entry
	background *background
	log        func(string)
	next       task.Runner
}

// entry is a function and the backend that carries out its invocations.
type entry struct {
	Function
	backend backend
}

// errTimedOut is the cause of a context that ended because of the function's own timeout.
var errTimedOut = errors.New("function timed out")

// New returns a runner. It starts no command before the first call that needs one.
func New(o Options) *Runner {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.BackgroundMax <= 0 {
		o.BackgroundMax = 64
	}
	if o.MaxResponse <= 0 {
		o.MaxResponse = httpclient.MaxResponseDefault
	}
	t := &Runner{background: newBackground(o.BackgroundMax), log: o.Log, next: o.Next}
	client := httpclient.WithoutRedirects(httpclient.OrInternal(o.Client))
	for _, f := range o.Functions {
		e := entry{Function: f}
		switch {
		case f.Error != nil:
			e.backend = fixedBackend{err: f.Error}
		case len(f.Command) > 0:
			markCloseOnExec()
			if f.account = onlyAccount(f.Match, o.Account); f.Timeout == 0 {
				e.Timeout = commandTimeout
			}
			e.backend = newPool(f, o.Log, o.MaxResponse)
		case f.HTTP != "":
			e.backend = newHTTPBackend(client, f.HTTP)
		default:
			e.backend = fixedBackend{reply: f.Reply}
		}
		t.functions = append(t.functions, e)
	}
	return t
}

// Run carries out one invocation. It returns when the function has ended, also in mode System, in
// which the output is the function's result and Async is set. Any other asynchronous invocation
// runs in the background, and Run returns at once.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	c, err := parseInvokeRequest(&r)
	if err != nil {
		return task.Fail(invalidArgument, value.Cut(err.Error(), flow.ErrorCauseMax))
	}
	e := t.find(c.target)
	switch {
	case e == nil && t.next != nil:
		return t.next.Run(ctx, r)
	case e == nil:
		return notFound(c.target)
	}
	id := requestID(r.Key)
	if c.async && r.Mode != flow.WaitForSystemCallback {
		return t.submit(&r, e, c, id)
	}
	a, failure := e.invoke(ctx, c, id, r.Key)
	if failure != nil {
		return task.Result{Error: failure, Async: r.Mode == flow.WaitForSystemCallback}
	}
	return r.FunctionResult(task.Response{Status: a.status, Header: a.header, Body: a.body})
}

// find returns the first entry that matches, nil if none does.
func (t *Runner) find(target *task.Function) *entry {
	for i := range t.functions {
		if target.Matches(t.functions[i].Match) {
			return &t.functions[i]
		}
	}
	return nil
}

// invoke invokes the function within its timeout.
func (e *entry) invoke(
	ctx context.Context, c *invokeRequest, id, key string,
) (response, *flow.Error) {
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.Timeout, errTimedOut)
		defer cancel()
	}
	return e.backend.invoke(ctx, newInvocation(ctx, c, id, key))
}

// submit hands an invocation to the background and returns its acknowledgement.
func (t *Runner) submit(r *task.Request, e *entry, c *invokeRequest, id string) task.Result {
	key := r.Key
	accepted := t.background.run(func(ctx context.Context) {
		if e.Timeout == 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, timeoutMax*time.Second, errTimedOut)
			defer cancel()
		}
		if _, failure := e.invoke(ctx, c, id, key); failure != nil {
			t.log(fmt.Sprintf("function %s: asynchronous invocation %s failed: %s", c.target.Name,
				id, failure.Name))
		}
	})
	if !accepted {
		return task.Fail(resourceExhausted, "Too many asynchronous invocations are waiting.")
	}
	return r.AcceptedResult(http.Header{"X-Fc-Request-Id": {id}})
}

// notFound is the result for a function that no entry matches. The example is one line, because
// tables show errors on one line, and can be pasted as it is.
func notFound(target *task.Function) task.Result {
	return task.Failed(task.NewError(functionNotFound, fmt.Sprintf(
		"No function here answers for %s. Map it in the file given with --functions FILE; a "+
			"whole file is, for example: functions: [{match: %s, http: http://127.0.0.1:9001}]",
		target.Raw, target.Name)))
}

// contextFailure returns the error of a call whose context has ended, nil if it has not.
func contextFailure(ctx context.Context, in *invocation) *flow.Error {
	if ctx.Err() == nil {
		return nil
	}
	if errors.Is(context.Cause(ctx), errTimedOut) {
		return task.NewError(unknown, fmt.Sprintf(
			"Function %s timed out after %d seconds; `timeout` of its entry in the "+
				"functions file is how long a call may take.", in.target.Name, in.timeout))
	}
	return task.NewError(unknown,
		fmt.Sprintf("The call of function %s was cut off.", in.target.Name))
}

// Close rejects further asynchronous invocations, waits for the running ones and then ends the
// processes. When ctx is done, it cancels what still runs and kills the processes that are left. It
// returns ctx's error if it had to cancel an invocation.
func (t *Runner) Close(ctx context.Context) error {
	err := t.background.close(ctx)
	for i := range t.functions {
		t.functions[i].backend.close(ctx)
	}
	return err
}
