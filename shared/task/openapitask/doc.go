// Package openapitask carries out what tasks ask of Alibaba Cloud's OpenAPIs: any operation of any product
// (`ECS:DescribeInstances`, `CS:DescribeClusters`), with parameters and answer passed through; events put on EventBridge; short
// messages; and executions started on the real CloudFlow.
//
// A refusal is the error {Product}.{Code}, the product as the flow writes it. A call is made once: repeating it is the
// flow's own decision. Worth a repeat are the codes Throttling and those that begin with it and a dot, ServiceUnavailable,
// InternalError; and of answers that name no code, ResourceThrottled (status 429) and InternalServerError (500 and above).
// Unknown says that there was no answer: the call may have been carried out. Any other code would come again.
package openapitask

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"millrace/shared/task"
	"millrace/shared/task/acs"
)

// Service is what the runners of this package share: how they call, and where.
type Service struct {
	Client    *acs.Client
	Endpoints acs.Endpoints
}

// Codes of errors that a service does not name itself.
const (
	unknown         = "Unknown"
	invalidArgument = "InvalidArgument"
	accessDenied    = "AccessDenied"
)

// failure is the error of a call that a service refused, or that got no answer.
func failure(ctx context.Context, r *task.Request, err error) *task.Error {
	e := acs.AsError(err)
	switch {
	case e != nil:
		code := e.Code
		if code == "" {
			code = codeOf(e.Status)
		}
		return task.NewError(r.ErrorName(code), e.Message+advice(r, code, e.Status)+" (request "+e.RequestID+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "The call of "+r.Action+" was cut off.")
	case errors.Is(err, acs.ErrNone):
		return task.NewError(r.ErrorName(accessDenied), "The call of "+r.Action+" could not be signed: "+err.Error())
	}
	return task.NewError(r.ErrorName(unknown), "The call of "+r.Action+" broke: "+err.Error())
}

// codeOf is the code of a status whose body has none.
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "ResourceThrottled"
	case status >= 500:
		return "InternalServerError"
	}
	return unknown
}

// advice says what to do about a refusal; "" where the service's own text does.
func advice(r *task.Request, code string, status int) string {
	switch {
	case acs.Stale(code):
		return " The credentials are not valid, or no longer; a later attempt takes fresh ones."
	case status == http.StatusForbidden && code != unknown, strings.HasPrefix(code, "Forbidden"), strings.HasPrefix(code, "NoPermission"):
		return " If a permission is missing, attach a policy that allows " + task.NormalAction(r.Action) + " to the role of tasks."
	}
	return ""
}
