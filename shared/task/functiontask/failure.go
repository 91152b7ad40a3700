package functiontask

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/task"
	"millrace/shared/task/charset"
	"millrace/shared/value"
)

// Names of errors (fdl-statemachine.md 11.5, fdl-flow.md 5.1).
const (
	unknown           = "FC.Unknown"
	resourceExhausted = "FC.ResourceExhausted"
	internalError     = "FC.InternalServerError"
	functionNotFound  = "FC.FunctionNotFound"
	invalidArgument   = "FC.InvalidArgument"
	entityTooLarge    = "FC.EntityTooLarge"
)

// errorBody is the body of a failure: of a function that failed, or of the service in either spelling.
type errorBody struct {
	ErrorType    json.RawMessage `json:"errorType"`
	ErrorMessage json.RawMessage `json:"errorMessage"`
	ErrorCode    json.RawMessage `json:"errorCode"`
	Code         json.RawMessage `json:"Code"`
	Message      json.RawMessage `json:"Message"`
}

// functionFailure is the error of a function that says so itself: its errorType is the name.
func functionFailure(body []byte) *task.Error {
	var e errorBody
	_ = value.Unmarshal(body, &e) // an unreadable body leaves it empty
	name, cause := task.Text(e.ErrorType), task.Text(e.ErrorMessage)
	if name == "" {
		name = unknown
	}
	if cause == "" && len(e.ErrorType) == 0 {
		cause = "Function failed: " + string(body)
	}
	return task.NewError(name, cause)
}

// failureOf is the error that an HTTP answer stands for, nil for a success.
func failureOf(status int, header http.Header, body []byte) *task.Error {
	inner := header.Get("X-Fc-Status")
	functionFailed := header.Get("X-Fc-Error-Type") != "" || inner != "" && !strings.HasPrefix(inner, "2")
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

// nameOf is the error of a status whose body has no code (D-54).
func nameOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return resourceExhausted
	case status >= 500:
		return internalError
	}
	return unknown
}
