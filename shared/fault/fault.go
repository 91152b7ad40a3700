// Package fault defines the error type that crosses API boundaries: a wire code and a message for
// the caller, and the cause for the operator. The codes are those of the CloudFlow API
// (docs/api.md#errors).
package fault

import (
	"errors"
	"fmt"
)

// Code is an error code of the wire, for example "FlowNotExists".
type Code string

// The codes of API errors.
const (
	AccessDenied              Code = "AccessDenied"
	ActionNotSupported        Code = "ActionNotSupported"
	APIVersionNotSupported    Code = "APIVersionNotSupported"
	BulkAlreadyExists         Code = "BulkOperationAlreadyExists"
	BulkNotExists             Code = "BulkOperationNotExists"
	ConcurrentUpdateError     Code = "ConcurrentUpdateError"
	EntityTooLarge            Code = "EntityTooLarge"
	ExecutionAlreadyCompleted Code = "ExecutionAlreadyCompleted"
	ExecutionAlreadyExists    Code = "ExecutionAlreadyExists"
	ExecutionNotCompleted     Code = "ExecutionNotCompleted" // not an error of CloudFlow
	ExecutionNotExists        Code = "ExecutionNotExists"
	ExecutionNotRedrivable    Code = "ExecutionNotRedrivable"
	FlowAliasAlreadyExists    Code = "FlowAliasAlreadyExists"
	FlowAliasNotExists        Code = "FlowAliasNotExists"
	FlowAlreadyExists         Code = "FlowAlreadyExists"
	FlowNotExists             Code = "FlowNotExists"
	FlowVersionNotExists      Code = "FlowVersionNotExists"
	InternalServerError       Code = "InternalServerError"
	InvalidAccessKeyID        Code = "InvalidAccessKeyID"
	InvalidArgument           Code = "InvalidArgument"
	MapRunNotExists           Code = "MapRunNotExists"
	MissingRequiredHeader     Code = "MissingRequiredHeader"
	MissingRequiredParams     Code = "MissingRequiredParams"
	PreconditionFailed        Code = "PreconditionFailed"
	RequestTimeTooSkewed      Code = "RequestTimeTooSkewed"
	ResourceThrottled         Code = "ResourceThrottled"
	ScheduleAlreadyExists     Code = "ScheduleAlreadyExists"
	ScheduleNotExists         Code = "ScheduleNotExists"
	ServiceUnavailable        Code = "ServiceUnavailable"
	SignatureNonceUsed        Code = "SignatureNonceUsed"
	SignatureNotMatch         Code = "SignatureNotMatch"
	TaskAlreadyCompleted      Code = "TaskAlreadyCompleted"
	TaskInvalidState          Code = "TaskInvalidState"
	UnsupportedMediaType      Code = "UnsupportedMediaType"
)

// Error is a fault. Code and Message go to the caller; Err is for the operator only.
type Error struct {
	Code    Code
	Message string
	Err     error // the cause, never shown to a caller; may be nil
}

// New returns a fault with a formatted message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// TooLarge returns the fault of a payload of more than limit bytes.
func TooLarge(limit int) *Error {
	return New(EntityTooLarge, "The payload size exceeds maximum allowed size (%d bytes).", limit)
}

// Internal wraps a cause that the caller must not see. A cause that is a fault already is returned
// unchanged.
func Internal(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return &Error{Code: InternalServerError, Message: "An internal error has occurred. Please " +
		"retry.", Err: err}
}

// Error returns code, message and cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err: "" for nil, InternalServerError for an error that is no fault.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return InternalServerError
}

// statuses maps each code to its HTTP status (docs/api.md#errors).
var statuses = map[Code]int{
	AccessDenied:              403,
	ActionNotSupported:        400,
	APIVersionNotSupported:    400,
	BulkAlreadyExists:         409,
	BulkNotExists:             404,
	ConcurrentUpdateError:     409,
	EntityTooLarge:            400,
	ExecutionAlreadyCompleted: 400,
	ExecutionAlreadyExists:    400,
	ExecutionNotCompleted:     400,
	ExecutionNotExists:        404,
	ExecutionNotRedrivable:    400,
	FlowAliasAlreadyExists:    409,
	FlowAliasNotExists:        404,
	FlowAlreadyExists:         409,
	FlowNotExists:             404,
	FlowVersionNotExists:      404,
	InternalServerError:       500,
	InvalidAccessKeyID:        403,
	InvalidArgument:           400,
	MapRunNotExists:           404,
	MissingRequiredHeader:     400,
	MissingRequiredParams:     400,
	PreconditionFailed:        412,
	RequestTimeTooSkewed:      403,
	ResourceThrottled:         429,
	ScheduleAlreadyExists:     409,
	ScheduleNotExists:         404,
	ServiceUnavailable:        503,
	SignatureNonceUsed:        400,
	SignatureNotMatch:         403,
	TaskAlreadyCompleted:      400,
	TaskInvalidState:          409,
	UnsupportedMediaType:      415,
}

// Status returns the HTTP status of a code; 500 for an unknown code.
func (c Code) Status() int {
	if s, ok := statuses[c]; ok {
		return s
	}
	return 500
}

// Retryable reports whether the same request may succeed later.
func (c Code) Retryable() bool {
	switch c {
	case ConcurrentUpdateError, InternalServerError, ResourceThrottled, ServiceUnavailable,
		TaskInvalidState:
		return true
	}
	return false
}
