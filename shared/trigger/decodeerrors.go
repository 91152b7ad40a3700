package trigger

import "errors"

// errorsMax is how many of the records that cannot be read an error names. Every one of them fails
// the event; the error of a function is cut by the clouds, at some kilobytes.
const errorsMax = 8

// decodeErrors collects the errors of parts of an event, so that the others are not held up by them.
// The zero value is ready.
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

// err is nil when there were none.
func (u *decodeErrors) err() error {
	if u.more > 0 {
		return errors.Join(append(u.errs, malformed("and %d more", u.more))...)
	}
	return errors.Join(u.errs...)
}
