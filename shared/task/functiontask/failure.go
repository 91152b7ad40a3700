package functiontask

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/charset"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// Names of errors (docs/statemachine.md#names, docs/flowv1.md#error-names).
const (
	unknown           = "FC.Unknown"
	resourceExhausted = "FC.ResourceExhausted"
	internalError     = "FC.InternalServerError"
	functionNotFound  = "FC.FunctionNotFound"
	invalidArgument   = "FC.InvalidArgument"
	entityTooLarge    = "FC.EntityTooLarge"
)

// errorBody is the body of an error: from a function, or from the service in either spelling.
type errorBody struct {
	ErrorType    json.RawMessage `json:"errorType"`
	ErrorMessage json.RawMessage `json:"errorMessage"`
	ErrorCode    json.RawMessage `json:"errorCode"`
	Code         json.RawMessage `json:"Code"`
	Message      json.RawMessage `json:"Message"`
}

// functionFailure returns the error that a function reported. Its errorType is the name.
func functionFailure(body []byte) *flow.Error {
	var e errorBody
	_ = value.Unmarshal(body, &e) // a body that is no JSON leaves e empty
	name, cause := task.Text(e.ErrorType), task.Text(e.ErrorMessage)
	if name == "" {
		name = unknown
	}
	if cause == "" && len(e.ErrorType) == 0 {
		cause = "Function failed: " + string(body)
	}
	return task.NewError(name, cause)
}

// failureOf returns the error that an HTTP response means, nil if it is a success.
func failureOf(status int, header http.Header, body []byte) *flow.Error {
	inner := header.Get("X-Fc-Status")
	functionFailed := header.Get("X-Fc-Error-Type") != "" ||
		inner != "" && !strings.HasPrefix(inner, "2")
	if status >= 200 && status <= 299 && !functionFailed {
		return nil
	}
	if text, err := charset.UTF8(header.Get("Content-Type"), body); err == nil {
		body = text
	}
	var e errorBody
	_ = value.Unmarshal(body, &e)
	if functionFailed || task.Text(e.ErrorType) != "" {
		return functionFailure(body)
	}
	message := task.Text(e.Message)
	if message == "" {
		message = task.Text(e.ErrorMessage)
	}
	if message == "" {
		message = fmt.Sprintf("The function answered with status %d: %s", status, body)
	}
	for _, code := range []string{task.Text(e.Code), task.Text(e.ErrorCode)} {
		if code != "" {
			return task.NewError("FC."+code, message)
		}
	}
	return task.NewError(nameOf(status), message)
}

// nameOf returns the error name for a status whose body has no code.
func nameOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return resourceExhausted
	case status >= 500:
		return internalError
	}
	return unknown
}
