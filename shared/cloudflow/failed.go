package cloudflow

import (
	"errors"

	"millrace/shared/fault"
	"millrace/shared/store"
)

// Failed is what a caller is told of an error of runner or store. A full disk is ServiceUnavailable, without a cause:
// the store has told the operator, and a line for every request would fill the disk further. Whatever is no fault is an
// internal error, whose cause stays inside.
func Failed(err error) error {
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrFilled) {
		return fault.New(fault.ServiceUnavailable, "The disk of the server is full: it reads, but takes nothing new. Try again when its operator has made room.")
	}
	return fault.Internal(err)
}
