// Package subflowtask carries out the actions of the engine's own service: FNF:StartExecution in both languages, and in
// the older one also fnf:DescribeExecution, fnf:StopExecution, fnf:ReportTaskSucceeded and fnf:ReportTaskFailed.
package subflowtask

import (
	"context"
	"encoding/json"

	"millrace/shared/access"
	"millrace/shared/task"
)

// Starter starts executions of flows. It asks the caller's rights, as Operations does.
type Starter interface {
	// StartChild starts an execution, or answers for the one that an earlier call with the same Key started.
	// It fails with a *fault.Error, or an error that has FaultCode() string.
	StartChild(ctx context.Context, c Child) (Started, error)
}

// Child is the execution to start.
type Child struct {
	FlowName      string
	ExecutionName string          // "" for a name derived from Key
	Input         json.RawMessage // a JSON object
	CallbackToken string          // reported when the execution ends; "" without (all modes but task.System)
	Key           string          // equal for every call of one attempt
	Caller
}

// Caller is the flow whose task it is, in an account: it may do what May allows.
type Caller struct {
	Account       string
	May           access.May // nil: everything in the account
	FlowPrincipal string     // what it acts with, for messages: access.As
}

// Started is the answer of StartChild.
type Started struct {
	FlowName, ExecutionName, RequestID string
}

// Operations is what the actions of the older language call besides StartExecution. Answers are the JSON objects of
// the API; faults are as in Starter.
type Operations interface {
	DescribeExecution(ctx context.Context, caller Caller, flow, execution string) (json.RawMessage, error)
	// StopExecution stops an execution; errorName and cause are "" when not given.
	StopExecution(ctx context.Context, caller Caller, flow, execution, errorName, cause string) (json.RawMessage, error)
	// ReportTaskSucceeded reports the output, a JSON text, of the task of the token.
	ReportTaskSucceeded(ctx context.Context, caller Caller, token, output string) (json.RawMessage, error)
	ReportTaskFailed(ctx context.Context, caller Caller, token, errorName, cause string) (json.RawMessage, error)
}

// Runner carries out the actions of product FNF.
type Runner struct {
	// AnyOwner takes resource names of any region and account for the caller's own: a definition written for the
	// cloud then runs unchanged on one machine.
	AnyOwner bool

	starter    Starter
	operations Operations
}

// New returns a runner over starter; a nil operations leaves StartExecution only.
func New(starter Starter, operations Operations) *Runner {
	return &Runner{starter: starter, operations: operations}
}

func callerOf(r *task.Request) Caller {
	return Caller{Account: r.Account, May: r.May, FlowPrincipal: access.Principal(r.RoleArn, r.Author)}
}

// Actions is what Run carries out, for the table of runners.
func (t *Runner) Actions() []string {
	actions := []string{"FNF:StartExecution"}
	if t.operations != nil {
		actions = append(actions, "FNF:DescribeExecution", "FNF:StopExecution", "FNF:ReportTaskSucceeded",
			"FNF:ReportTaskFailed")
	}
	return actions
}

// Run carries out one request and returns when the API has answered. In Mode System the answer only means that the
// execution has been started: its end is reported to Request.Token.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	operation := operationOf(r.Action)
	if operation == "StartExecution" {
		return t.start(ctx, &r)
	}
	if t.operations == nil || !r.FlowV1 {
		return task.Unsupported(r)
	}
	run, ok := operations[operation]
	if !ok {
		return task.Unsupported(r)
	}
	p, err := readOperation(r.Parameters)
	if err != nil {
		return r.Failf("InvalidArgument", "%v", err)
	}
	output, err := run(ctx, t.operations, callerOf(&r), p)
	if err != nil {
		return failure(&r, err)
	}
	return task.Result{Output: output}
}
