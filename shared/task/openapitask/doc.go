// Package openapitask carries out calls of Alibaba Cloud's OpenAPIs: any operation of any product
// (`ECS:DescribeInstances`, `CS:DescribeClusters`), with parameters and response passed through;
// events put on EventBridge; short messages; and executions started on the real CloudFlow.
//
// If the service rejects a call, the error is {Product}.{Code}, with the product as the flow writes
// it. A call is made once: the flow decides whether to retry it. A retry may help after the codes
// Throttling and those that begin with it and a dot, ServiceUnavailable and InternalError; and, if
// the response has no code, after ResourceThrottled (status 429) and InternalServerError (500 and
// above). Unknown means that there was no response: the call may have been carried out. A retry
// does not help after any other code.
package openapitask

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
)

// Service is what the runners of this package share: the client and the endpoints.
type Service struct {
	Client    *acs.Client
	Endpoints acs.Endpoints
}

// Error codes for errors in which the service names none.
const (
	unknown         = "Unknown"
	invalidArgument = "InvalidArgument"
	accessDenied    = "AccessDenied"
)

// failure returns the error of a call that the service rejected, or that got no response.
func failure(ctx context.Context, r *task.Request, err error) *flow.Error {
	e := acs.AsError(err)
	switch {
	case e != nil:
		code := e.Code
		if code == "" {
			code = codeOf(e.Status)
		}
		return task.NewError(r.ErrorName(code),
			e.Message+advice(r, code, e.Status)+" (request "+e.RequestID+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "The call of "+r.Action+" was cut off.")
	case errors.Is(err, alibaba.ErrNoCredentials):
		return task.NewError(r.ErrorName(accessDenied),
			"The call of "+r.Action+" could not be signed: "+err.Error())
	}
	return task.NewError(r.ErrorName(unknown), "The call of "+r.Action+" broke: "+err.Error())
}

// codeOf returns the code for a status whose body has none.
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "ResourceThrottled"
	case status >= 500:
		return "InternalServerError"
	}
	return unknown
}

// advice returns what to do about an error, "" if the service's own text says it.
func advice(r *task.Request, code string, status int) string {
	switch {
	case acs.Stale(code):
		return " The credentials are not valid, or no longer; a later attempt takes fresh ones."
	case status == http.StatusForbidden && code != unknown, strings.HasPrefix(code, "Forbidden"),
		strings.HasPrefix(code, "NoPermission"):
		return " If a permission is missing, attach a policy that allows " +
			task.NormalAction(r.Action) + " to the role of tasks."
	}
	return ""
}
