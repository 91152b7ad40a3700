package acs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Error is a refusal by a service.
type Error struct {
	Status    int    // of HTTP
	Code      string // "" when the answer has none that can be read
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

// AsError gives the *Error that err wraps; nil for none.
func AsError(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// Stale tells whether a code says that credentials are not valid, or no longer: services differ in how they call it.
func Stale(code string) bool {
	for _, of := range []string{"InvalidAccessKeyId", "InvalidAccessKeyID", "InvalidSecurityToken", "SecurityTokenExpired", "SecurityTokenInvalid"} {
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

// excerptMax is how much of an answer without a message is shown.
const excerptMax = 300

// readError reads the answer of a refusal: {"Code","Message","RequestId"} or {"errorCode","errorMessage"}. The names are
// compared without case, for services differ in it.
func readError(a *Response) *Error {
	var body struct {
		Code, Message, RequestID json.RawMessage
		ErrorCode, ErrorMessage  json.RawMessage
	}
	_ = json.Unmarshal(a.Body, &body) // what cannot be read leaves it empty
	e := &Error{Status: a.Status, Code: first(body.Code, body.ErrorCode), Message: first(body.Message, body.ErrorMessage),
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

// first is the first text that is not empty.
func first(values ...json.RawMessage) string {
	for _, v := range values {
		var s string
		if json.Unmarshal(v, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
