// Package task is the port to the work outside: a Request goes to the Runner that the table has for its action,
// a Result comes back. A Runner may be called twice for one attempt (the same Key): that is the contract of
// "at least once for the call".
package task

import (
	"context"
	"encoding/json"
	"time"

	"millrace/shared/access"
)

// Mode is when the task counts as done; the numbers are those of flow.TaskMode.
type Mode uint8

// The modes.
const (
	Complete Mode = iota // the call's answer is the result
	System               // the job that the call starts reports its end
	Custom               // somebody reports by token
)

// Request is one attempt of a task.
type Request struct {
	Account   string
	Region    string
	Flow      string
	Execution string
	State     string
	RoleArn   string
	Author    string // key in whose name the flow acts, where it has no role; "" on an open server

	// May is what the flow may do with the engine's own service; nil: everything. A runner that
	// does any of it asks.
	May access.May

	// FlowV1 marks a task of the older flow language: Resource and Input are set, results are bare.
	FlowV1     bool
	Action     string          // `Product:Operation`, for example FC:InvokeFunction
	Resource   string          // Legacy: the resourceArn, "" for an action
	Mode       Mode            // when the task counts as done
	Parameters json.RawMessage // evaluated Parameters (an object), or evaluated serviceParams; nil without
	Input      json.RawMessage // Legacy: the step's input, an object
	// Tree is Parameters decoded, when the engine has it at hand; else nil. A runner must not change it.
	Tree any

	Token   string        // the task token of this attempt
	Key     string        // idempotency key: equal for every call of one attempt
	Timeout time.Duration // time left for the attempt; 0: none
}

// Result is what a call came to. Exactly one of Output and Error counts: Error when it is not nil.
type Result struct {
	Output json.RawMessage // JSON, not yet canonical unless Tree says so
	// Tree is Output decoded, when the runner has it at hand; Output is what value.Encode makes of it then. It must not
	// be changed any more.
	Tree  any
	Error *Error
	// Async marks a result of Mode System that the call itself waited for: the job is submitted and ended.
	// Without it the answer to a System call only means that the job has been submitted.
	Async bool
	// Release, unless nil, is called once the engine has folded the result or dropped it: until
	// then its bytes count among those that the process holds.
	Release func()
}

// Error is a failed task: a name that flows match in Retry and Catch, and a text.
type Error struct {
	Name  string
	Cause string
}

// Fail returns the result of a failed task.
func Fail(name, cause string) Result { return Result{Error: &Error{Name: name, Cause: cause}} }

// Runner carries out tasks. Run returns when the call has been answered or ctx is done (the attempt timed out,
// was aborted, or the process stops); after that its result is dropped. Run is called from many goroutines.
type Runner interface {
	Run(ctx context.Context, r Request) Result
}

// RunnerFunc is a function as a Runner.
type RunnerFunc func(ctx context.Context, r Request) Result

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context, r Request) Result { return f(ctx, r) }
