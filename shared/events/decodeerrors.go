package events

import "errors"

// errorsMax is how many undecodable records an error describes. Each of them fails the event, but
// the clouds truncate the error of a function at a few kilobytes.
const errorsMax = 8

// decodeErrors collects the errors of the parts of an event, so that the other parts can be
// processed. The zero value is ready to use.
type decodeErrors struct {
	errs []error
	more int
}

func (u *decodeErrors) add(err error) {
	switch {
	case err == nil:
	case len(u.errs) < errorsMax:
		u.errs = append(u.errs, err)
	default:
		u.more++
	}
}

// err returns nil if there were no errors.
func (u *decodeErrors) err() error {
	if u.more > 0 {
		return errors.Join(append(u.errs, malformed("and %d more", u.more))...)
	}
	return errors.Join(u.errs...)
}
