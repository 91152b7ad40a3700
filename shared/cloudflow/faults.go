package cloudflow

import (
	"errors"

	"millrace/shared/fault"
	"millrace/shared/share"
	"millrace/shared/store"
)

// FaultOf is what a caller is told of an error of runner or store. A full disk is ServiceUnavailable, without a cause:
// the store has told the operator, and a line for every request would fill the disk further. Whatever is no fault is an
// internal error, whose cause stays inside.
func FaultOf(err error) error {
	if errors.Is(err, store.ErrDiskFull) || errors.Is(err, store.ErrDiskFullUnknown) {
		return fault.New(fault.ServiceUnavailable, "The disk of the server is full: it reads, but takes nothing new. Try again when its operator has made room.")
	}
	var r *share.LimitError
	if errors.As(err, &r) {
		return LimitFault(r)
	}
	return fault.Internal(err)
}

// LimitFault is the fault of a share that is used up: the account's own, or what the whole server has.
func LimitFault(r *share.LimitError) error {
	if r.Full() {
		return fault.New(fault.ServiceUnavailable, "The server is busy: %v.", r)
	}
	return fault.New(fault.ResourceThrottled, "The request is throttled: %v.", r)
}
