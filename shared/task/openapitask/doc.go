// Package openapitask carries out what tasks ask of Alibaba Cloud's OpenAPIs: any operation of a product whose API is of
// the RPC style (`ECS:DescribeInstances`), with parameters and answer passed through; events put on EventBridge; short
// messages; and executions started on the real CloudFlow.
//
// A refusal is the error {Product}.{Code}, the product as the flow writes it. A call is made once: repeating it is the
// flow's own decision.
package openapitask

import (
	"context"
	"errors"
	"net/http"

	"millrace/shared/task"
	"millrace/shared/task/acs"
)

// Service is what the runners of this package share: how they call, and where.
type Service struct {
	Client *acs.Client
	Places acs.Places
}

// Codes of errors that a service does not name itself.
const (
	unknown         = "Unknown"
	invalidArgument = "InvalidArgument"
	accessDenied    = "AccessDenied"
)

// failure is the error of a call that a service refused, or that got no answer.
func failure(ctx context.Context, r *task.Request, err error) *task.Error {
	e := acs.Refusal(err)
	switch {
	case e != nil:
		code := e.Code
		if code == "" {
			code = codeOf(e.Status)
		}
		return task.NewError(r.ErrorName(code), e.Message+" (request "+e.RequestID+")")
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
