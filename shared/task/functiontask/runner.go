package functiontask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"millrace/shared/task"
	"millrace/shared/task/outbound"
	"millrace/shared/value"
)

// Action is the action that the runner carries out.
const Action = "FC:InvokeFunction"

// Options are what a runner is made of.
type Options struct {
	Functions []Function
	// Client calls the functions with an address; it is one of package outbound. nil is one that may call loopback
	// and private networks, for the addresses are the operator's.
	Client *http.Client
	// Log takes one line that a function printed, without its end, or that tells of a function's fate. It is called
	// from many goroutines; nil drops the lines.
	Log func(line string)
	// BackgroundMax is how many asynchronous invocations run at once; 0 is 64. Up to BacklogMax more wait their turn;
	// beyond that they are refused.
	BackgroundMax int
	// MaxResponse bounds the answer of a command in bytes; 0 is outbound.MaxResponseDefault.
	MaxResponse int64
	// Account is the only account whose flows call; "" when there may be several. Processes of an
	// entry that serves one account have its id as FC_ACCOUNT_ID.
	Account string
	// Next carries out calls of functions that no entry matches; nil: they are not found.
	Next task.Runner
}

// commandTimeout bounds a call of a command whose entry gives no timeout: an event that a program
// has taken and never answers must not keep its task for ever.
const commandTimeout = time.Hour

// BacklogMax is how many asynchronous invocations may wait for their turn.
const BacklogMax = 10000

// Runner carries out FC:InvokeFunction. Close it to end its processes.
type Runner struct {
	functions  []entry
	background *background
	log        func(string)
	next       task.Runner
}

// entry is a function with what carries its invocations.
type entry struct {
	Function
	backend backend
}

// errTimedOut is the cause of a context that ended because of the function's own timeout.
var errTimedOut = errors.New("function timed out")

// New returns a runner. Commands are started by the first call that needs them.
func New(o Options) *Runner {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.BackgroundMax <= 0 {
		o.BackgroundMax = 64
	}
	if o.MaxResponse <= 0 {
		o.MaxResponse = outbound.MaxResponseDefault
	}
	t := &Runner{background: newBackground(o.BackgroundMax), log: o.Log, next: o.Next}
	client := outbound.WithoutRedirects(outbound.OrInternal(o.Client))
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

// Run carries out one invocation. It returns when the function has ended, also in Mode System, where the output is
// the function's result and Async is set; or at once for another asynchronous invocation, which goes on by itself.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	c, err := parseInvokeRequest(&r)
	if err != nil {
		return task.Fail(invalidArgument, value.Cut(err.Error(), task.CauseMax))
	}
	e := t.find(c.target)
	switch {
	case e == nil && t.next != nil:
		return t.next.Run(ctx, r)
	case e == nil:
		return notFound(c.target)
	}
	id := requestID(r.Key)
	if c.async && r.Mode != task.System {
		return t.submit(&r, e, c, id)
	}
	a, failure := e.invoke(ctx, c, id, r.Key)
	if failure != nil {
		return task.Result{Error: failure, Async: r.Mode == task.System}
	}
	return result(&r, a)
}

// find gives the first function that matches.
func (t *Runner) find(target *task.Function) *entry {
	for i := range t.functions {
		if target.Matches(t.functions[i].Match) {
			return &t.functions[i]
		}
	}
	return nil
}

// invoke invokes the function within its timeout.
func (e *entry) invoke(ctx context.Context, c *invokeRequest, id, key string) (response, *task.Error) {
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.Timeout, errTimedOut)
		defer cancel()
	}
	return e.backend.invoke(ctx, newInvocation(ctx, c, id, key))
}

// submit hands an invocation to the background and acknowledges it.
func (t *Runner) submit(r *task.Request, e *entry, c *invokeRequest, id string) task.Result {
	key := r.Key
	accepted := t.background.run(func(ctx context.Context) {
		if e.Timeout == 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, timeoutMax*time.Second, errTimedOut)
			defer cancel()
		}
		if _, failure := e.invoke(ctx, c, id, key); failure != nil {
			t.log(fmt.Sprintf("function %s: asynchronous invocation %s failed: %s", c.target.Name, id, failure.Name))
		}
	})
	if !accepted {
		return task.Fail(resourceExhausted, "Too many asynchronous invocations are waiting.")
	}
	if r.FlowV1 {
		return task.Result{Output: json.RawMessage("{}")}
	}
	return task.Accepted(http.Header{"X-Fc-Request-Id": {id}}, http.StatusAccepted)
}

// result is the outcome of a function that did not fail, in the language of the request.
func result(r *task.Request, a response) task.Result {
	async := r.Mode == task.System
	if !r.FlowV1 {
		answered := task.HTTPResult(a.header, a.status, a.body)
		if answered.Error != nil && r.Mode == task.Custom {
			answered = task.Accepted(a.header, a.status) // the function's answer does not count
		}
		answered.Async = async
		return answered
	}
	if r.Mode == task.Custom {
		return task.Result{Output: json.RawMessage("{}")} // the function's answer does not count
	}
	output, failure := task.FlowV1Output(a.header.Get("Content-Type"), a.body)
	if failure != nil {
		return task.Result{Error: failure, Async: async}
	}
	return task.Result{Output: output, Async: async}
}

// notFound is the result for a function that the functions file does not have.
func notFound(target *task.Function) task.Result {
	return task.NewError(functionNotFound, fmt.Sprintf("No function here answers for %s. Map it in the file given with "+
		"--functions FILE, for example:\nfunctions:\n  - match: %s\n    http: http://127.0.0.1:9001",
		target.Raw, target.Name)).Result()
}

// contextFailure is the error of a call whose context ended; nil when it did not.
func contextFailure(ctx context.Context, in *invocation) *task.Error {
	if ctx.Err() == nil {
		return nil
	}
	if errors.Is(context.Cause(ctx), errTimedOut) {
		return task.NewError(unknown, fmt.Sprintf("Function %s timed out after %d seconds; `timeout` of its entry in the "+
			"functions file is how long a call may take.", in.target.Name, in.timeout))
	}
	return task.NewError(unknown, fmt.Sprintf("The call of function %s was cut off.", in.target.Name))
}

// Close refuses further asynchronous invocations, waits for the running ones and then ends the processes, with
// force what is left when ctx is done. It returns the error of ctx when something was cut off.
func (t *Runner) Close(ctx context.Context) error {
	err := t.background.close(ctx)
	for i := range t.functions {
		t.functions[i].backend.close(ctx)
	}
	return err
}
