package subflowtask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"millrace/shared/arn"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// start carries out StartExecution.
func (t *Runner) start(ctx context.Context, r *task.Request) task.Result {
	child, err := t.parseChild(r)
	if err != nil {
		return failure(r, err)
	}
	started, err := t.starter.StartChild(ctx, callerOf(r), child)
	if err != nil {
		return failure(r, err)
	}
	return r.StartedResult(started.FlowName, started.ExecutionName, started.RequestID)
}

// parseChild reads the request in any of its three forms: the parameters of StateMachine, the
// resourceArn of FlowV1, the action of FlowV1.
func (t *Runner) parseChild(r *task.Request) (flow.Child, error) {
	child := flow.Child{Account: r.Account, Key: r.Key, Parent: r.Flow + "/" + r.Execution}
	if r.Mode == flow.WaitForSystemCallback {
		child.CallbackToken = r.Token
	}
	p, err := task.ReadParameters(r.Parameters)
	if err != nil {
		return child, fault.New(fault.InvalidArgument, "%v", err)
	}
	request := flow.ReadChildStart(r.Dialect, r.Resource, p.Text)
	child.ExecutionName, child.FlowName = request.ExecutionName, request.Flow()
	child.Qualifier = request.Qualifier()
	switch {
	case !request.ByName:
		if child.FlowName, err = t.flowOf(r, &request); err != nil {
			return child, err
		}
	case child.FlowName == "":
		return child, fault.New(fault.MissingRequiredParams, "FlowName is required")
	}
	input := p.First(flow.InputKeys...)
	if r.Resource != "" && len(r.Parameters) == 0 {
		input = r.Input
	}
	child.Input, err = inputOf(r, input)
	return child, err
}

// flowOf returns the flow in a resource name. The region and the account must be the caller's own,
// unless AnyOwner is set.
func (t *Runner) flowOf(r *task.Request, request *flow.ChildStart) (string, error) {
	resource := request.Resource
	if resource == "" {
		return "", fault.New(fault.MissingRequiredParams, "resourceArn is required")
	}
	parsed, err := arn.Parse(resource)
	if err != nil {
		return "", fault.New(fault.InvalidArgument, "resourceArn: %v", err)
	}
	name := request.Flow()
	if name == "" {
		return "", fault.New(fault.InvalidArgument,
			"resourceArn %q is not acs:fnf:{region}:{account}:flow/{name}", resource)
	}
	if t.AnyOwner {
		return name, nil
	}
	if parsed.Region != "" && r.Region != "" && parsed.Region != r.Region {
		return "", fault.New(fault.InvalidArgument,
			"a flow starts flows of its own region only: %s", resource)
	}
	if !r.Owns(parsed) {
		return "", fault.New(fault.AccessDenied, "the flow belongs to another account: %s",
			resource)
	}
	return name, nil
}

// inputOf validates the child's input: an object, or the JSON text of one if the dialect allows it.
// It returns {} if the input is absent.
func inputOf(r *task.Request, raw json.RawMessage) (json.RawMessage, error) {
	if r.InputAsText() && len(raw) > 0 && raw[0] == '"' {
		raw = json.RawMessage(task.Text(raw))
	}
	if text := strings.TrimSpace(string(raw)); text == "" || text == "null" {
		return json.RawMessage("{}"), nil
	}
	v, err := value.Decode(raw)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, "the input of the execution is not JSON: %v",
			err)
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, fault.New(fault.InvalidArgument, "the input of the execution must be an object")
	}
	return raw, nil
}

// faultCoder is an error with a wire code that is not a *fault.Error.
type faultCoder interface{ FaultCode() string }

// failure converts a fault of the API to the task's error.
func failure(r *task.Request, err error) task.Result {
	code, cause := describe(err)
	return r.OwnFailure(code, cause)
}

// describe returns the code and text of a fault. For any other error it returns nothing that a flow
// must not see.
func describe(err error) (code, cause string) {
	var f *fault.Error
	if errors.As(err, &f) {
		return string(f.Code), f.Message
	}
	var c faultCoder
	if errors.As(err, &c) {
		return c.FaultCode(), err.Error()
	}
	if ctxErr := contextError(err); ctxErr != nil {
		return string(fault.InternalServerError), fmt.Sprintf("The call was cut off: %v.", ctxErr)
	}
	return string(fault.InternalServerError), fault.Internal(err).Message
}

// contextError returns the context error that err wraps, nil if there is none.
func contextError(err error) error {
	for _, target := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, target) {
			return target
		}
	}
	return nil
}
