package fctask

import (
	"context"
	"errors"
	"net/http"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
)

// Error codes for errors in which the service names none. Error names begin with the action's
// product.
const (
	unknown           = "Unknown"
	resourceExhausted = "ResourceExhausted"
	internalError     = "InternalServerError"
	invalidArgument   = "InvalidArgument"
	accessDenied      = "AccessDenied"
)

// failure returns the error of a call that the service rejected, or that got no response.
func failure(ctx context.Context, r *task.Request, c *invokeRequest, err error) *flow.Error {
	e := acs.AsError(err)
	switch {
	case e != nil:
		code := e.Code
		if code == "" {
			code = codeOf(e.Status)
		}
		return task.NewError(r.ErrorName(code),
			e.Message+advise(c, e, "tasks")+" (request "+e.RequestID+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "The call of "+c.function.Raw+" was cut off.")
	case errors.Is(err, alibaba.ErrNoCredentials):
		return task.NewError(r.ErrorName(accessDenied),
			"The call of "+c.function.Raw+" could not be signed: "+err.Error())
	}
	return task.NewError(r.ErrorName(unknown), "The call of "+c.function.Raw+" broke: "+err.Error())
}

// codeOf returns the code for a status whose body has none.
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return resourceExhausted
	case status >= 500:
		return internalError
	}
	return unknown
}

// advise returns what to do about an error of a call signed with the role who, "" if the flow's
// author can tell from the service's message.
func advise(c *invokeRequest, e *acs.Error, who string) string {
	switch {
	case e.Status == http.StatusForbidden &&
		(e.Code == accessDenied || e.Code == "Forbidden" || e.Code == "NoPermission"):
		return " Allow the role of " + who + " fc:InvokeFunction on " + c.function.ARN() + "."
	case e.Status == http.StatusNotFound:
		return " (" + c.function.ARN() + ")"
	}
	return ""
}
