// Package fctask carries out FC:InvokeFunction on Function Compute, in both dialects: functions of
// FC 3, and those of services (FC 2), with versions and aliases.
//
// If a task waits for the end of an asynchronous invocation, the invocation is made as an
// asynchronous task whose id is derived from the attempt: so the service rejects a repeated call
// and does not run the function twice. The result arrives through the function's destinations
// (onSuccess and onFailure), which the user points at the engine's queue, or at another queue that
// forwards to it. A destination record names the invocation by its request id or by the id of the
// asynchronous task, so the waiting task is recorded under both. If the service rejects a repeated
// call, the runner asks the service for the result.
package fctask

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
)

// Action is the action that the runner carries out.
const Action = "FC:InvokeFunction"

// Mapping says that Function replaces the functions that Match matches, as in the functions file
// (docs/functions.md).
type Mapping struct {
	Match    string
	Function string // resource name; {name} is replaced by the name of the matched function
}

// Options configures a runner.
type Options struct {
	Client *acs.Client
	// Engine queries the results of invocations with the engine's own role; nil means Client.
	Engine    *acs.Client
	Endpoints acs.Endpoints
	Recorder  task.InvocationRecorder // nil: tasks cannot wait for asynchronous invocations
	Mappings  []Mapping               // the first that matches counts

	Own *reserved.Resources // tasks may not invoke these
}

// Runner carries out Action. It is safe for many goroutines.
type Runner struct{ Options }

// New returns a runner.
func New(o Options) *Runner {
	if o.Engine == nil {
		o.Engine = o.Client
	}
	return &Runner{o}
}

// Run invokes the function. It returns when the function has ended, or, for an asynchronous
// invocation, when the service has accepted it. A call is made once: the flow decides whether to
// retry it.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	c, err := t.parse(&r)
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.Own.CheckFunction(c.function); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	switch {
	case c.async && r.Mode == flow.WaitForSystemCallback:
		return t.submitRecorded(ctx, &r, c)
	case c.async:
		return t.submit(ctx, &r, c)
	}
	return t.call(ctx, &r, c)
}

// call invokes the function and waits for its end.
func (t *Runner) call(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	a, err := t.Client.Do(ctx, c.request("Sync", ""))
	system := r.Mode == flow.WaitForSystemCallback
	if err != nil {
		return task.Result{Error: failure(ctx, r, c, err), Async: system}
	}
	if a.Header.Get(errorTypeHeader) != "" {
		return task.Result{Error: task.FunctionFailure(r.Action, a.Body), Async: system}
	}
	return r.FunctionResult(Response(a.Status, visibleHeader(a.Header), a.Body))
}

// submit hands the invocation to the service's own queue. No task waits for its end, or a caller
// reports it by task token.
func (t *Runner) submit(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	a, err := t.Client.Do(ctx, c.request("Async", c.asyncID))
	if err != nil {
		return task.Result{Error: failure(ctx, r, c, err)}
	}
	return accepted(r, a.Header)
}

// accepted returns the result of an invocation that the service has accepted.
func accepted(r *task.Request, header http.Header) task.Result {
	return r.AcceptedResult(visibleHeader(header))
}

// Response returns the response of a function that did not fail.
func Response(status int, header http.Header, body []byte) task.Response {
	return task.Response{Status: status, Header: header, Body: body, EmptyIsNull: true}
}

const (
	errorTypeHeader = "X-Fc-Error-Type"
	requestIDHeader = "X-Fc-Request-Id"
)

// visibleHeader returns the headers that a flow may see: those that describe the response and the
// invocation. The others describe the instance or contain logs.
func visibleHeader(header http.Header) http.Header {
	h := http.Header{}
	for _, name := range []string{
		"Content-Type", requestIDHeader, "X-Fc-Async-Task-Id", "X-Fc-Invocation-Service-Version",
	} {
		if v := header.Get(name); v != "" {
			h[name] = []string{v}
		}
	}
	return h
}

// Invoke starts an asynchronous invocation of one of the engine's own functions, and does not wait
// for it.
func (t *Runner) Invoke(ctx context.Context, function, qualifier string, event []byte) error {
	resource := "acs:fc:::functions/" + function
	if qualifier != "" {
		resource += "/" + qualifier
	}
	f, err := task.ParseFunction(resource, t.Endpoints.Region, t.Endpoints.Account)
	if err != nil {
		return err
	}
	c := &invokeRequest{function: f, event: event}
	if c.endpoint, err = t.Endpoints.Functions("", ""); err != nil {
		return err
	}
	if _, err := t.Client.Do(ctx, c.request("Async", "")); err != nil {
		return fmt.Errorf("invoking %s: %w", function, withAdvice(c, err))
	}
	return nil
}

// withAdvice adds advice for an operator to an error.
func withAdvice(c *invokeRequest, err error) error {
	if e := acs.AsError(err); e != nil {
		if advice := advise(c, e, "the step runner"); advice != "" {
			return fmt.Errorf("%w%s", err, advice)
		}
	}
	return err
}

// apiQualifier returns the qualifier, or "" if it means the latest code.
func apiQualifier(qualifier string) string {
	if strings.EqualFold(qualifier, "LATEST") {
		return ""
	}
	return qualifier
}
