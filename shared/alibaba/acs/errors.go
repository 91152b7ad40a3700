package acs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Error is an error response of a service.
type Error struct {
	Status    int    // HTTP status
	Code      string // "" if the response has no readable code
	Message   string
	RequestID string
	Response  *Response
}

// Error implements error.
func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "no code"
	}
	return fmt.Sprintf("%s (status %d, request %s): %s", code, e.Status, e.RequestID, e.Message)
}

// AsError returns the *Error that err wraps, nil if there is none.
func AsError(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// Stale reports whether an error code means that credentials are invalid or have expired. Services
// use different codes for this.
func Stale(code string) bool {
	for _, of := range []string{
		"InvalidAccessKeyId", "InvalidAccessKeyID", "InvalidSecurityToken", "SecurityTokenExpired",
		"SecurityTokenInvalid",
	} {
		if code == of || strings.HasPrefix(code, of+".") {
			return true
		}
	}
	return false
}

func stale(err error) bool {
	e := AsError(err)
	return e != nil && Stale(e.Code)
}

// excerptMax is how many bytes of a response without a message are shown.
const excerptMax = 300

// readError parses an error response: {"Code","Message","RequestId"} or
// {"errorCode","errorMessage"}. Names match without case, because services differ in it.
func readError(a *Response) *Error {
	var body struct {
		Code, Message, RequestID json.RawMessage
		ErrorCode, ErrorMessage  json.RawMessage
	}
	_ = json.Unmarshal(a.Body, &body) // a body that is no JSON leaves it empty
	e := &Error{Status: a.Status, Code: first(body.Code, body.ErrorCode),
		Message:   first(body.Message, body.ErrorMessage),
		RequestID: first(body.RequestID), Response: a}
	for _, name := range []string{"X-Fc-Request-Id", "X-Acs-Request-Id"} {
		if e.RequestID == "" {
			e.RequestID = a.Header.Get(name)
		}
	}
	if e.Message == "" {
		text := strings.ToValidUTF8(string(a.Body[:min(len(a.Body), excerptMax)]), "?")
		e.Message = fmt.Sprintf("The service answered with status %d: %s", a.Status, text)
	}
	return e
}

// first returns the first value that is a non-empty string, "" if there is none.
func first(values ...json.RawMessage) string {
	for _, v := range values {
		var s string
		if json.Unmarshal(v, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
