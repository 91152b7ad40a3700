package task

import (
	"context"
	"errors"

	"millrace/shared/flow"
)

// ErrResultUnknown means that a service does not report the result of an invocation, and never
// will.
var ErrResultUnknown = errors.New("the service does not tell how the invocation has ended")

// InvocationRecorder stores which task an asynchronous invocation belongs to, in clouds that
// deliver the results of invocations separately.
type InvocationRecorder interface {
	// Record stores that the result of the invocation is the result of the task in n. The record is
	// durable when Record returns. Record may be called after the invocation has ended. If it is
	// called again for the same id and the same function, the new record replaces the old one;
	// under a chosen id, only if the old record is of the same task. Records of different functions
	// never collide, whatever their ids.
	Record(ctx context.Context, id string, n InvocationRecord) error
}

// InvocationRecord is the task that waits for an asynchronous invocation.
type InvocationRecord struct {
	Account string
	Token   string
	Action  string          // as the flow writes it; error names begin with its product
	Dialect RecordedDialect `json:"Legacy"` // the name in stored rows

	// Function is the full resource name, or ARN, of the invoked function. A result counts only if
	// it is from this function, in any version or alias.
	Function string
	// Chosen says that the flow chose the id, for example an order number, which others can guess.
	// A result under such an id is then only a hint that the invocation may have ended, and the
	// service must be asked for its result.
	Chosen bool
}

// InvocationRecord returns the record of an invocation of the task.
func (r *Request) InvocationRecord(function string, chosen bool) InvocationRecord {
	return InvocationRecord{Account: r.Account, Token: r.Token, Action: r.Action,
		Dialect: RecordedDialect(r.Dialect), Function: function, Chosen: chosen}
}

// Request returns what is known of the task.
func (n *InvocationRecord) Request() *Request {
	return &Request{Account: n.Account, Token: n.Token, Action: n.Action,
		Dialect: flow.Dialect(n.Dialect)}
}
