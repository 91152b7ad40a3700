// Package task is the interface to the work outside the engine. A Table passes a Request to the
// Runner of its action, and the Runner returns a Result. A Runner may be called more than once for
// one attempt, with the same Key: a call happens at least once.
package task

import (
	"context"
	"encoding/json"
	"time"

	"millrace/shared/access"
	"millrace/shared/flow"
)

// Request is one attempt of a task.
type Request struct {
	Account   string
	Region    string
	Flow      string
	Execution string
	State     string
	RoleArn   string
	Author    string // key with whose rights the flow acts if it has no role; "" on an open server

	// May says what the flow may do with the engine's own service; nil means everything. A runner
	// that uses that service must check it.
	May access.May

	Dialect  flow.Dialect  // 0 counts as StateMachine
	Action   string        // `Product:Operation`, for example FC:InvokeFunction
	Resource string        // FlowV1: the resourceArn, "" for an action
	Mode     flow.TaskMode // when the task counts as done
	// Parameters are the evaluated Parameters (an object), or the evaluated serviceParams; nil if
	// absent.
	Parameters json.RawMessage
	Input      json.RawMessage // the state's input, an object, if TakesInput
	// Tree is Parameters decoded if the engine has it decoded already, else nil. A runner must not
	// change it.
	Tree any

	Token   string        // the task token of this attempt
	Key     string        // idempotency key: the same for every call of one attempt
	Timeout time.Duration // time left for the attempt; 0 means no limit
}

// Result is the result of a call. If Error is not nil, the call failed and Output does not count.
type Result struct {
	Output json.RawMessage // JSON; canonical only if Tree is set
	// Tree is Output decoded, if the runner has it decoded already. Output is then value.Encode of
	// it. It must not be changed after Run has returned.
	Tree  any
	Error *flow.Error
	// Async marks a result of mode WaitForSystemCallback for which the call itself waited: the job
	// was submitted and has ended. Without it, the response to such a call means only that the job
	// was submitted.
	Async bool
	// Release, unless nil, is called by the engine when it has applied or dropped the result. Until
	// then its bytes count among those that the process holds.
	Release func()
}

// Fail returns the result of a failed task. Flows match its name in Retry and Catch.
func Fail(name, cause string) Result { return Failed(&flow.Error{Name: name, Cause: cause}) }

// Failed returns the result of a task that failed with err.
func Failed(err *flow.Error) Result { return Result{Error: err} }

// Runner carries out tasks. Run returns when it has the result, or when ctx is done because the
// attempt timed out or was aborted, or the process stops. The result is then dropped. Run is called
// from many goroutines.
type Runner interface {
	Run(ctx context.Context, r Request) Result
}

// RunnerFunc is a function as a Runner.
type RunnerFunc func(ctx context.Context, r Request) Result

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context, r Request) Result { return f(ctx, r) }
