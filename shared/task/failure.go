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

// Names of errors that more than one runner raises.
const (
	// InvalidLocal says that a result cannot be the local of a step of the older language, or, in
	// either language, that the engine does not take it.
	InvalidLocal = "FnF.InvalidLocal"
)

// Product is the part of the action before the colon, as written: it prefixes the names of the service's errors.
func (r *Request) Product() string {
	product, _, _ := strings.Cut(r.Action, ":")
	return product
}

// ErrorName is the name of a service's error code: `FC.ResourceThrottled`, in the older language's actions
// `ocr.Timeout`. The product is as the flow wrote it.
func (r *Request) ErrorName(code string) string { return r.Product() + "." + code }

// Failf is a failed task with the name of a service's error code and a formatted cause.
func (r *Request) Failf(code, format string, args ...any) Result {
	return NewError(r.ErrorName(code), fmt.Sprintf(format, args...)).Result()
}

// accessDenied is the code of what a flow has no right to.
const accessDenied = "AccessDenied"

// DeniedResult is a task that its flow has no right to do: `FC.AccessDenied`, of the engine's own service
// `fnf.AccessDenied` in the older language.
func (r *Request) DeniedResult(cause string) Result {
	product := r.Product()
	if r.FlowV1 && strings.EqualFold(product, "fnf") {
		product = "fnf"
	}
	return NewError(product+"."+accessDenied, cause).Result()
}

// NewError returns an error whose name and cause are cut to NameMax and CauseMax characters of valid UTF-8.
func NewError(name, cause string) *Error {
	return &Error{Name: value.Cut(name, NameMax), Cause: value.Cut(cause, CauseMax)}
}

// Result returns the failed task that e stands for.
func (e *Error) Result() Result { return Result{Error: e} }

// Error gives name and cause, so that a task's failure can travel as an error inside a runner.
func (e *Error) Error() string { return e.Name + ": " + e.Cause }
