// Package fctask carries out FC:InvokeFunction on Function Compute, in both flow languages: functions of FC 3, and
// those of services (FC 2), with versions and aliases.
//
// An asynchronous invocation whose end a task waits for is made as an asynchronous task with an id that is derived from
// the attempt, so that a repeated call is refused and does not run the function twice. Its result comes back through the
// function's destinations (onSuccess and onFailure), which the user points at the engine's queue, or at another that is
// brought to it. A record names the invocation by its request id or by the id of the task: what waits is noted under both.
// When a repeated call is refused, the service is asked how the task has ended.
package fctask

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/task"
	"millrace/shared/task/acs"
	"millrace/shared/task/own"
)

// Action is the action that the runner carries out.
const Action = "FC:InvokeFunction"

// Mapping says that Function stands for the functions that Match matches, as in the functions file (docs/functions.md).
type Mapping struct {
	Match    string
	Function string // resource name; {name} stands for the name of the function matched
}

// Options are what a runner is made of.
type Options struct {
	Client    *acs.Client
	Engine    *acs.Client // asks how invocations have ended, with the engine's own role; nil: Client
	Endpoints acs.Endpoints
	Recorder  task.InvocationRecorder // nil: asynchronous invocations cannot be waited for
	Mappings  []Mapping               // the first that matches counts

	Own *own.Resources // these are not invoked for tasks
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

// Run invokes the function. It returns when the function has ended, or, for an asynchronous invocation, when it has been
// accepted. A call is made once: repeating it is the flow's own decision.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	c, err := t.parse(&r)
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.Own.CheckFunction(c.function); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	switch {
	case c.async && r.Mode == task.System:
		return t.submitRecorded(ctx, &r, c)
	case c.async:
		return t.submit(ctx, &r, c)
	}
	return t.call(ctx, &r, c)
}

// call invokes the function and waits for its end.
func (t *Runner) call(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	a, err := t.Client.Do(ctx, c.request("Sync", ""))
	system := r.Mode == task.System
	if err != nil {
		return task.Result{Error: failure(ctx, r, c, err), Async: system}
	}
	if a.Header.Get(errorTypeHeader) != "" {
		return task.Result{Error: task.FunctionFailure(r.Action, a.Body), Async: system}
	}
	if r.FlowV1 && r.Mode == task.Custom {
		return task.Result{Output: json.RawMessage("{}")} // the function's answer does not count
	}
	result := Output(r.FlowV1, a.Status, visibleHeader(a.Header), a.Body)
	if result.Error != nil && r.Mode == task.Custom {
		result = task.Accepted(visibleHeader(a.Header), a.Status) // nor does it in the newer language
	}
	result.Async = system
	return result
}

// submit hands the invocation to the service's own queue; nobody waits for its end, or somebody reports it by token.
func (t *Runner) submit(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	a, err := t.Client.Do(ctx, c.request("Async", c.asyncID))
	if err != nil {
		return task.Result{Error: failure(ctx, r, c, err)}
	}
	return accepted(r, a.Header)
}

// accepted is the result of an invocation that has been taken.
func accepted(r *task.Request, header http.Header) task.Result {
	if r.FlowV1 {
		return task.Result{Output: json.RawMessage("{}")}
	}
	return task.Accepted(visibleHeader(header), http.StatusAccepted)
}

// Output is the result of a function that did not fail, in the language of the task: the newer one has an envelope, the
// older one the answer itself, which must be JSON there.
func Output(flowV1 bool, status int, header http.Header, body []byte) task.Result {
	if flowV1 {
		output, failure := task.FlowV1Output(header.Get("Content-Type"), body)
		return task.Result{Output: output, Error: failure}
	}
	if len(body) == 0 {
		return task.Accepted(header, status)
	}
	return task.HTTPResult(header, status, body)
}

const (
	errorTypeHeader = "X-Fc-Error-Type"
	requestIDHeader = "X-Fc-Request-Id"
)

// visibleHeader are the headers that a flow sees: what the answer is, and which invocation it was. The others tell of the
// instance, or hold logs.
func visibleHeader(header http.Header) http.Header {
	h := http.Header{}
	for _, name := range []string{"Content-Type", requestIDHeader, "X-Fc-Async-Task-Id", "X-Fc-Invocation-Service-Version"} {
		if v := header.Get(name); v != "" {
			h[name] = []string{v}
		}
	}
	return h
}

// Invoke starts an asynchronous invocation of a function of the engine's own, and does not wait for it.
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

// withAdvice adds what to do to an error for an operator.
func withAdvice(c *invokeRequest, err error) error {
	if e := acs.AsError(err); e != nil {
		if advice := advise(c, e, "the step runner"); advice != "" {
			return fmt.Errorf("%w%s", err, advice)
		}
	}
	return err
}

// apiQualifier drops the qualifier that means the newest code.
func apiQualifier(qualifier string) string {
	if strings.EqualFold(qualifier, "LATEST") {
		return ""
	}
	return qualifier
}
