// Package subflowtask carries out the actions of the engine's own service: FNF:StartExecution in
// both dialects, and in FlowV1 also fnf:DescribeExecution, fnf:StopExecution,
// fnf:ReportTaskSucceeded and fnf:ReportTaskFailed.
package subflowtask

import (
	"context"
	"encoding/json"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/task"
)

// Starter starts executions of flows. It checks the caller's rights, as Operations does.
type Starter interface {
	// StartChild starts an execution for the caller. If an earlier call with the same Key has
	// started it, StartChild returns that execution. It fails with a *fault.Error, or an error that
	// has FaultCode() string.
	StartChild(ctx context.Context, caller Caller, c flow.Child) (Started, error)
}

// Caller is the flow that owns the task, in an account. It may do what May allows.
type Caller struct {
	Account       string
	May           access.May // nil: everything in the account
	FlowPrincipal string     // the principal that it acts as, for messages: access.Principal
}

// Started is the result of StartChild.
type Started struct {
	FlowName, ExecutionName, RequestID string
}

// Operations are the API operations that the actions of FlowV1 call besides StartExecution. Results
// are the JSON objects of the API; faults are as in Starter.
type Operations interface {
	DescribeExecution(ctx context.Context, caller Caller, flow, execution string) (
		json.RawMessage, error,
	)
	// StopExecution stops an execution. errorName and cause are "" if not given.
	StopExecution(ctx context.Context, caller Caller, flow, execution, errorName,
		cause string) (json.RawMessage, error)
	// ReportTaskSucceeded reports output, a JSON text, for the task of the token.
	ReportTaskSucceeded(ctx context.Context, caller Caller, token, output string) (
		json.RawMessage, error,
	)
	ReportTaskFailed(ctx context.Context, caller Caller, token, errorName,
		cause string) (json.RawMessage, error)
}

// Runner carries out the actions of product FNF.
type Runner struct {
	// AnyOwner accepts resource names of any region and account as the caller's own: so a
	// definition written for the cloud runs unchanged on one machine.
	AnyOwner bool

	starter    Starter
	operations Operations
}

// New returns a runner over starter. If operations is nil, it carries out StartExecution only.
func New(starter Starter, operations Operations) *Runner {
	return &Runner{starter: starter, operations: operations}
}

func callerOf(r *task.Request) Caller {
	return Caller{
		Account: r.Account, May: r.May, FlowPrincipal: access.Principal(r.RoleArn, r.Author),
	}
}

// Actions returns the actions that Run carries out, for the table of runners.
func (t *Runner) Actions() []string {
	actions := []string{"FNF:StartExecution"}
	if t.operations != nil {
		actions = append(actions, "FNF:DescribeExecution", "FNF:StopExecution",
			"FNF:ReportTaskSucceeded",
			"FNF:ReportTaskFailed")
	}
	return actions
}

// Run carries out one request and returns when the API has responded. In mode System the response
// only means that the execution was started: its end is reported to Request.Token.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	operation := operationOf(r.Action)
	if operation == "StartExecution" {
		return t.start(ctx, &r)
	}
	if t.operations == nil || !r.OwnOperations() {
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
