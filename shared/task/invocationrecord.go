package task

import (
	"context"
	"errors"
)

// ErrResultUnknown says that a service does not tell how an invocation has ended, and will not.
var ErrResultUnknown = errors.New("the service does not tell how the invocation has ended")

// InvocationRecorder keeps what asynchronous invocations belong to, in homes where their outcomes come back by a way of their own.
type InvocationRecorder interface {
	// Record keeps that the end of an invocation is the end of the task of n; durable when it
	// returns. It may be called after the invocation has ended, and again for the same id of the
	// same function, which replaces what was noted; under a chosen id it replaces only what was
	// noted for the same task. Notes of different functions never meet, whatever their ids.
	Record(ctx context.Context, id string, n InvocationRecord) error
}

// InvocationRecord is the task that waits for an asynchronous invocation.
type InvocationRecord struct {
	Account string
	Token   string
	Action  string // as the flow writes it: it prefixes the names of errors
	FlowV1  bool

	// Function is the resource name, or ARN, of the function that was invoked, in full. The end of
	// the invocation counts only if it is that of this function, of whatever version or alias.
	Function string
	// Chosen says that the id is the flow's own choice, such as the number of an order, which
	// others can guess. A record under it is then no more than a hint that the invocation may have
	// ended, and the service is asked how.
	Chosen bool
}
