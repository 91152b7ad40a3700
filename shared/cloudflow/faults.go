package cloudflow

import (
	"errors"

	"millrace/shared/fault"
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
	return fault.Internal(err)
}

// LimitFault returns the fault for an exhausted share: the account's own, or the capacity of the
// whole server.
func LimitFault(r *share.LimitError) error {
	if r.Full() {
		return fault.New(fault.ServiceUnavailable, "The server is busy: %v.", r)
	}
	return fault.New(fault.ResourceThrottled, "The request is throttled: %v.", r)
}
