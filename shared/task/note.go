package task

import "context"

// Noted keeps what asynchronous invocations belong to, in homes where their outcomes come back by a way of their own.
type Noted interface {
	// Note keeps that the end of an invocation is the end of the task of n; durable when it returns. It may be called after
	// the invocation has ended, and again for the same id, which replaces what was noted.
	Note(ctx context.Context, id string, n Note) error
}

// Note is the task that waits for an asynchronous invocation.
type Note struct {
	Account string
	Token   string
	Action  string // as the flow writes it: it prefixes the names of errors
	Legacy  bool
}
