package fctask

import (
	"context"
	"errors"
	"net/http"

	"millrace/shared/task"
	"millrace/shared/task/acs"
)

// Codes of errors that the service does not name itself. The action's product prefixes them.
const (
	unknown           = "Unknown"
	resourceExhausted = "ResourceExhausted"
	internalError     = "InternalServerError"
	invalidArgument   = "InvalidArgument"
	accessDenied      = "AccessDenied"
)

// failure is the error of a call that the service refused, or that got no answer.
func failure(ctx context.Context, r *task.Request, c *invokeRequest, err error) *task.Error {
	e := acs.AsError(err)
	switch {
	case e != nil:
		code := e.Code
		if code == "" {
			code = codeOf(e.Status)
		}
		return task.NewError(r.ErrorName(code), e.Message+advise(c, e, "tasks")+" (request "+e.RequestID+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "The call of "+c.function.Raw+" was cut off.")
	case errors.Is(err, acs.ErrNone):
		return task.NewError(r.ErrorName(accessDenied), "The call of "+c.function.Raw+" could not be signed: "+err.Error())
	}
	return task.NewError(r.ErrorName(unknown), "The call of "+c.function.Raw+" broke: "+err.Error())
}

// codeOf is the code of a status whose body has none (D-54).
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return resourceExhausted
	case status >= 500:
		return internalError
	}
	return unknown
}

// advise says what to do about a refusal of a call that the role of who signed; "" for those that
// the flow's author understands.
func advise(c *invokeRequest, e *acs.Error, who string) string {
	switch {
	case e.Status == http.StatusForbidden && (e.Code == accessDenied || e.Code == "Forbidden" || e.Code == "NoPermission"):
		return " Allow the role of " + who + " fc:InvokeFunction on " + c.function.ARN() + "."
	case e.Status == http.StatusNotFound:
		return " (" + c.function.ARN() + ")"
	}
	return ""
}
