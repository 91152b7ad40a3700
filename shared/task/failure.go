package task

import (
	"fmt"
	"strings"

	"millrace/shared/value"
)

// Limits of an error in characters: those of ReportTaskFailed.
const (
	NameMax  = 128
	CauseMax = 4096
)

// Names of errors that several runners return.
const (
	// InvalidLocal means that a result cannot be the local of a FlowV1 step, or, in either dialect,
	// that the engine does not accept it.
	InvalidLocal = "FnF.InvalidLocal"
)

// Product returns the part of the action before the colon, as written. The names of the service's
// errors begin with it.
func (r *Request) Product() string {
	product, _, _ := strings.Cut(r.Action, ":")
	return product
}

// ErrorName returns the error name for a service's error code: `FC.ResourceThrottled`, or
// `ocr.Timeout` for an action of FlowV1. The product is as the flow wrote it.
func (r *Request) ErrorName(code string) string { return r.Product() + "." + code }

// Failf returns a failed task with the name of a service's error code and a formatted cause.
func (r *Request) Failf(code, format string, args ...any) Result {
	return NewError(r.ErrorName(code), fmt.Sprintf(format, args...)).Result()
}

// accessDenied is the error code of an operation that the flow has no right to do.
const accessDenied = "AccessDenied"

// DeniedResult returns the result of a task that the flow has no right to do: `FC.AccessDenied`,
// and for the engine's own service in FlowV1 `fnf.AccessDenied`.
func (r *Request) DeniedResult(cause string) Result {
	product := r.Product()
	if r.FlowV1 && strings.EqualFold(product, "fnf") {
		product = "fnf"
	}
	return NewError(product+"."+accessDenied, cause).Result()
}

// NewError returns an error. Name and cause are cut to NameMax and CauseMax characters of valid
// UTF-8.
func NewError(name, cause string) *Error {
	return &Error{Name: value.Cut(name, NameMax), Cause: value.Cut(cause, CauseMax)}
}

// Result returns a failed result with e.
func (e *Error) Result() Result { return Result{Error: e} }

// Error implements error, so that a runner can return a task's failure as an error internally.
func (e *Error) Error() string { return e.Name + ": " + e.Cause }
