package task

import (
	"fmt"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
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
	return Failed(NewError(r.ErrorName(code), fmt.Sprintf(format, args...)))
}

// accessDenied is the error code of an operation that the flow has no right to do.
const accessDenied = "AccessDenied"

// DeniedResult returns the result of a task that the flow has no right to do: `FC.AccessDenied`,
// and for the engine's own service in FlowV1 `fnf.AccessDenied`.
func (r *Request) DeniedResult(cause string) Result {
	return Failed(NewError(r.deniedName(), cause))
}

// NewError returns an error whose name and cause are cut to the limits of errors, in valid UTF-8.
func NewError(name, cause string) *flow.Error {
	return &flow.Error{Name: value.Cut(name, flow.ErrorNameMax),
		Cause: value.Cut(cause, flow.ErrorCauseMax)}
}
