package lambdatask

import (
	"context"
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
)

// Error codes: those of Function Compute, for which flows are written. Error names begin with the
// action's product.
const (
	unknown           = "Unknown"
	resourceExhausted = "ResourceExhausted"
	internalError     = "InternalServerError"
	functionNotFound  = "FunctionNotFound"
	invalidArgument   = "InvalidArgument"
	entityTooLarge    = "EntityTooLarge"
	accessDenied      = "AccessDenied"
)

// codes maps an error of Lambda to a code.
var codes = map[string]string{
	"ResourceNotFoundException":           functionNotFound,
	"TooManyRequestsException":            resourceExhausted,
	"InvalidRequestContentException":      invalidArgument,
	"InvalidParameterValueException":      invalidArgument,
	"UnsupportedMediaTypeException":       invalidArgument,
	"RequestTooLargeException":            entityTooLarge,
	"RequestEntityTooLargeException":      entityTooLarge,
	"AccessDeniedException":               accessDenied,
	"UnrecognizedClientException":         accessDenied,
	"InvalidSignatureException":           accessDenied,
	"ExpiredTokenException":               accessDenied,
	"MissingAuthenticationTokenException": accessDenied,
	"EC2ThrottledException":               resourceExhausted,
	"SnapStartTimeoutException":           internalError,
	"ResourceConflictException":           resourceExhausted,
	"ResourceNotReadyException":           resourceExhausted,
}

// serviceFailure returns the error of a call that Lambda rejected, or that got no response.
func serviceFailure(ctx context.Context, r *task.Request, c *invokeRequest, err error) *flow.Error {
	if ctx.Err() != nil {
		return task.NewError(r.ErrorName(unknown), "The call of "+c.arn+" was cut off.")
	}
	if errors.Is(err, httpclient.ErrTooLarge) {
		return task.NewError(r.ErrorName(entityTooLarge),
			"The function "+c.arn+" returned more than is read.")
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return task.NewError(r.ErrorName(unknown), "The call of "+c.arn+" broke: "+err.Error())
	}
	code, ok := codes[api.ErrorCode()]
	if !ok {
		code = byStatus(err)
	}
	cause := api.ErrorCode() + ": " + api.ErrorMessage()
	switch code {
	case accessDenied:
		cause += " Allow the step runner lambda:InvokeFunction on " + c.arn + "."
	case functionNotFound:
		cause += " (" + c.arn + ", which stands for " + c.written + ")"
	}
	return task.NewError(r.ErrorName(code), cause)
}

// byStatus returns the code for an error whose name is unknown.
func byStatus(err error) string {
	var resp *awshttp.ResponseError
	if !errors.As(err, &resp) {
		return unknown
	}
	switch status := resp.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests:
		return resourceExhausted
	case status == http.StatusForbidden:
		return accessDenied
	case status >= 500:
		return internalError
	}
	return unknown
}
