package fctask

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// submitRecorded hands the invocation to the service's own queue, and records the task that waits
// for its end. It records it under the derived task id before the call, so that no result arrives
// before its record, and under the request id, which is known only after the call. An id that the
// flow chose may belong to another task's invocation, so it is recorded only after the service has
// accepted the call.
func (t *Runner) submitRecorded(
	ctx context.Context, r *task.Request, c *invokeRequest,
) task.Result {
	if t.Recorder == nil {
		return r.Failf(invalidArgument,
			"Asynchronous invocations that are waited for need a queue for their outcomes, and "+
				"there is none here.")
	}
	id := c.asyncID
	if id == "" && r.Key != "" {
		id = taskID(r)
		if err := t.record(ctx, r, c, id); err != nil {
			return r.Failf(internalError,
				"The invocation was not made, because its record could not be written: %s",
				err)
		}
	}
	a, err := t.Client.Do(ctx, c.request("Async", id))
	if e := acs.AsError(err); e != nil && e.Status == http.StatusConflict && c.asyncID == "" {
		return t.resolveConflict(ctx, r, c, id)
	}
	if err != nil {
		return task.Result{Error: failure(ctx, r, c, err)}
	}
	for _, known := range []string{c.asyncID, a.Header.Get(requestIDHeader)} {
		if known == "" || known == id && c.asyncID == "" {
			continue
		}
		if err := t.record(ctx, r, c, known); err != nil {
			return r.Failf(internalError,
				"The invocation was accepted, but its record could not be written: %s",
				err)
		}
	}
	return accepted(r, a.Header)
}

func (t *Runner) record(ctx context.Context, r *task.Request, c *invokeRequest, id string) error {
	return t.Recorder.Record(ctx, id, r.InvocationRecord(c.function.ARN(), id == c.asyncID))
}

// asyncTask is the state of an asynchronous task. The names are those of both versions of the API,
// which differ only in case.
type asyncTask struct {
	Status    string          `json:"status"`
	RequestID string          `json:"requestId"`
	Payload   json.RawMessage `json:"returnPayload"`
	Error     string          `json:"taskErrorMessage"`
	Error2    string          `json:"invocationErrorMessage"`
}

// resolveConflict handles an invocation that an earlier call of this attempt made. If the
// invocation has ended, its result is the task's result. Otherwise its request id is recorded,
// because the earlier call may have ended before it recorded it.
func (t *Runner) resolveConflict(
	ctx context.Context, r *task.Request, c *invokeRequest, id string,
) task.Result {
	var there asyncTask
	a, err := t.Engine.Do(ctx, c.statusRequest(id))
	if err == nil {
		err = value.Unmarshal(a.Body, &there)
	}
	// The service has accepted the invocation: its result may still arrive under the task id.
	if err != nil {
		return accepted(r, http.Header{"X-Fc-Async-Task-Id": {id}})
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Fc-Async-Task-Id": {id}}
	if there.RequestID != "" {
		header[requestIDHeader] = []string{there.RequestID}
	}
	if result, over := result(r, &there, header); over {
		result.Async = true
		return result
	}
	if there.RequestID != "" && there.RequestID != id {
		if err := t.record(ctx, r, c, there.RequestID); err != nil {
			return r.Failf(internalError,
				"The invocation is under way, but its record could not be written: %s",
				err)
		}
	}
	return accepted(r, header)
}

// result returns the result of an asynchronous task, false if it has none yet.
func result(r *task.Request, there *asyncTask, header http.Header) (task.Result, bool) {
	switch there.Status {
	case "Succeeded":
		return r.FunctionResult(Response(http.StatusOK, header,
			[]byte(task.Text(there.Payload)))), true
	case "Failed", "Stopped", "Expired", "Invalid":
		return task.Result{Error: asyncError(r, there)}, true
	}
	return task.Result{}, false
}

// QueryResult asks the service for the result of a recorded invocation, with the id that the flow
// chose; false while it is running. The engine's own role needs the permission fc:GetAsyncTask. An
// error that wraps task.ErrResultUnknown is permanent.
func (t *Runner) QueryResult(
	ctx context.Context, n task.InvocationRecord, id string,
) (task.Result, bool, error) {
	f, err := task.ParseFunction(n.Function, t.Endpoints.Region, t.Endpoints.Account)
	if err != nil {
		return task.Result{}, false, err
	}
	c := &invokeRequest{function: f}
	if c.endpoint, err = t.Endpoints.Functions(f.Region, f.Account); err != nil {
		return task.Result{}, false, err
	}
	var there asyncTask
	a, err := t.Engine.Do(ctx, c.statusRequest(id))
	if err == nil {
		err = value.Unmarshal(a.Body, &there)
	}
	if e := acs.AsError(err); e != nil &&
		(e.Status == http.StatusForbidden || e.Status == http.StatusNotFound) {
		err = fmt.Errorf("%w: %w; the role of steprunner needs fc:GetAsyncTask on %s",
			task.ErrResultUnknown, err, f.ARN())
	}
	if err != nil {
		return task.Result{}, false, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if there.RequestID != "" {
		header[requestIDHeader] = []string{there.RequestID}
	}
	out, over := result(n.Request(), &there, header)
	return out, over, nil
}

// asyncError returns the error of an asynchronous task that did not succeed.
func asyncError(r *task.Request, there *asyncTask) *flow.Error {
	e := task.FunctionFailure(r.Action, []byte(task.Text(there.Payload)))
	if e.Name != r.ErrorName(unknown) {
		return e
	}
	message := there.Error
	if message == "" {
		message = there.Error2
	}
	return task.NewError(e.Name,
		"The asynchronous invocation came to nothing: "+there.Status+" "+message)
}
