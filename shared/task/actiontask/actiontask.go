// Package actiontask carries out any action by a mapping of the functions file (docs/functions.md):
// a program at an HTTP address replaces the service, or the result is fixed. The first match wins.
package actiontask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/value"
)

// KeyHeader carries the idempotency key, which is the same for every call of one attempt.
const KeyHeader = "X-FnF-Idempotency-Key"

// Runner carries out the actions that its mappings match. It is meant as the fallback of a
// task.Table.
type Runner struct {
	actions []mapping
	client  *http.Client
}

// mapping is a task.Mapping and the normal form of its pattern.
type mapping struct {
	task.Mapping
	normal string
}

// New returns a runner for the mappings. client is a client of package httpclient; nil means one
// that may call loopback and private networks, because the operator wrote the addresses.
func New(actions []task.Mapping, client *http.Client) *Runner {
	t := &Runner{client: httpclient.WithoutRedirects(httpclient.OrInternal(client))}
	for _, m := range actions {
		t.actions = append(t.actions, mapping{m, task.NormalAction(m.Match)})
	}
	return t
}

// Before returns a runner that carries out the actions that t's mappings match and passes all
// others to next.
func (t *Runner) Before(next task.Runner) task.Runner {
	return task.RunnerFunc(func(ctx context.Context, r task.Request) task.Result {
		if t.match(r.Action) == nil {
			return next.Run(ctx, r)
		}
		return t.Run(ctx, r)
	})
}

// Run carries out the action by the first mapping that matches it. If none does, the result is
// task.Unsupported.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	m := t.match(r.Action)
	switch {
	case m == nil:
		return task.Unsupported(r)
	case m.Error != nil:
		return task.Result{Error: m.Error, Async: r.Mode == flow.WaitForSystemCallback}
	case m.HTTP == "":
		return result(&r, "", m.Reply)
	}
	if m.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.Timeout)
		defer cancel()
	}
	return t.post(ctx, m.HTTP, &r)
}

// match returns the mapping of an action, nil if there is none. It compares the product without
// case.
func (t *Runner) match(action string) *mapping {
	normal := task.NormalAction(action)
	for i := range t.actions {
		m := &t.actions[i]
		if glob.Match(m.Match, action) || glob.Match(m.normal, normal) {
			return m
		}
	}
	return nil
}

// post calls the program at the address.
func (t *Runner) post(ctx context.Context, address string, r *task.Request) task.Result {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address,
		bytes.NewReader(requestBody(r)))
	if err != nil {
		return r.Failf("RequestFailed", "The address of %s in the functions file cannot be called.",
			r.Action)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.Key != "" {
		req.Header.Set(KeyHeader, r.Key)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return r.Failf("RequestFailed", "The address of %s sent no response: %s", r.Action,
			httpclient.Reason(err))
	}
	body, err := httpclient.ReadAll(resp)
	switch {
	case errors.Is(err, httpclient.ErrTooLarge):
		return r.Failf("EntityTooLarge", "What carries out %s returned more than is read.",
			r.Action)
	case err != nil:
		return r.Failf("RequestFailed", "The response of the address of %s broke off: %s", r.Action,
			httpclient.Reason(err))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return failure(r, resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	return result(r, resp.Header.Get("Content-Type"), body)
}

// requestBody returns the JSON object to post. It omits members that the request does not have.
func requestBody(r *task.Request) []byte {
	q := map[string]any{"action": r.Action, "mode": modes[r.Mode%3], "legacy": r.TypeFlow()}
	for name, s := range map[string]string{
		"resource": r.Resource, "token": r.Token, "key": r.Key, "account": r.Account,
		"region": r.Region, "flow": r.Flow, "execution": r.Execution, "state": r.State,
		"roleArn": r.RoleArn,
	} {
		if s != "" {
			q[name] = s
		}
	}
	for name, raw := range map[string]json.RawMessage{
		"parameters": r.Parameters, "input": r.Input,
	} {
		if v, err := value.Decode(raw); err == nil {
			q[name] = v
		}
	}
	return value.Encode(q)
}

// modes are the names of the modes, by number.
var modes = [...]string{"RequestComplete", "WaitForSystemCallback", "WaitForCustomCallback"}

// result converts a response to a result. JSON stays as it is; an empty response is {}. A response
// that is no JSON is a string in StateMachine and the error FnF.InvalidLocal in FlowV1, unless the
// response does not count.
func result(r *task.Request, contentType string, body []byte) task.Result {
	output, err := task.JSONBody(contentType, body)
	res := task.Result{Output: output}
	switch {
	case err == nil:
	case r.Mode == flow.WaitForCustomCallback:
		res.Output = json.RawMessage("{}")
	default:
		res = r.BodyResult(contentType, body)
	}
	res.Async = r.Mode == flow.WaitForSystemCallback
	return res
}
