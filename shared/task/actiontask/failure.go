package actiontask

import (
	"fmt"
	"net/http"

	"millrace/shared/charset"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// failure converts the body of an error response: {"errorType","errorMessage"} names the error
// itself, {"Code","Message"} (or errorCode) a code of the service. If the body has neither, the
// status decides.
func failure(r *task.Request, status int, contentType string, body []byte) task.Result {
	var e struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
		ErrorCode    string `json:"errorCode"`
		Code         string `json:"Code"`
		Message      string `json:"Message"`
	}
	if text, err := charset.UTF8(contentType, body); err == nil {
		body = text
	}
	_ = value.Unmarshal(body, &e) // members of another type stay empty
	cause := e.ErrorMessage
	if cause == "" {
		cause = e.Message
	}
	if cause == "" {
		cause = fmt.Sprintf("Status %d: %s", status, body)
	}
	for _, code := range []string{e.Code, e.ErrorCode} {
		if e.ErrorType == "" && code != "" {
			e.ErrorType = r.ErrorName(code)
		}
	}
	if e.ErrorType == "" {
		e.ErrorType = r.ErrorName(codeOf(status))
	}
	out := task.Failed(task.NewError(e.ErrorType, cause))
	out.Async = r.Mode == flow.WaitForSystemCallback
	return out
}

// codeOf returns the code for a status without a readable body.
func codeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "ResourceThrottled"
	case status >= 500:
		return "InternalServerError"
	}
	return "Unknown"
}
