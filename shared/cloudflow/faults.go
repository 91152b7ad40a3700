package cloudflow

import (
	"errors"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/interp"
	"millrace/shared/share"
	"millrace/shared/store"
)

// FaultOf returns the fault that a caller gets for an error of the engine or the store. A full disk
// is ServiceUnavailable, and the error is not logged: the store has already told the operator, and
// a log line per request would fill the disk further. Any other error without a code is an internal
// error, whose cause the caller does not see.
func FaultOf(err error) error {
	if errors.Is(err, store.ErrDiskFull) || errors.Is(err, store.ErrDiskFullUnknown) {
		return fault.New(fault.ServiceUnavailable,
			"The disk of the server is full: it reads, but takes nothing new. Try again when its "+
				"operator has made room.")
	}
	var r *share.LimitError
	if errors.As(err, &r) {
		return LimitFault(r)
	}
	switch {
	case errors.Is(err, engine.ErrExecutionsLimit):
		return fault.New(fault.ResourceThrottled,
			"The request is throttled. Please try again later.")
	case errors.Is(err, engine.ErrBusy):
		return errUpdateConflict()
	}
	return fault.Internal(err)
}

// reportFault returns the fault for an error of a report to a task token.
func reportFault(err error, token string) error {
	t, _ := interp.ParseToken(token)
	var large *engine.TooLargeError
	switch {
	case errors.As(err, &large):
		return fault.TooLarge(large.Limit)
	case errors.Is(err, engine.ErrToken):
		return errToken()
	case errors.Is(err, engine.ErrNoFlow):
		return flowMissing(t.Flow)
	case errors.Is(err, store.ErrNotFound):
		return executionMissing(t.Flow, t.Execution)
	case errors.Is(err, engine.ErrTaskEnded):
		return fault.New(fault.TaskAlreadyCompleted, "Task '%s' has already completed.", token)
	case errors.Is(err, engine.ErrTaskNotReady):
		return fault.New(fault.TaskInvalidState, "Task is in an invalid state, please retry.")
	case errors.Is(err, engine.ErrTaskNotWaiting):
		return fault.New(fault.InvalidArgument, "The task of this token does not wait "+
			"for a report: its TaskMode or pattern is not a callback one.")
	}
	return FaultOf(err)
}

func errToken() error { return fault.New(fault.InvalidArgument, "The task token is invalid.") }

// LimitFault returns the fault for an exhausted share: the account's own, or the capacity of the
// whole server.
func LimitFault(r *share.LimitError) error {
	if r.Full() {
		return fault.New(fault.ServiceUnavailable, "The server is busy: %v.", r)
	}
	return fault.New(fault.ResourceThrottled, "The request is throttled: %v.", r)
}
