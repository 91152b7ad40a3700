package events

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// AsyncResult is the result of an asynchronous invocation, as its destination receives it.
type AsyncResult struct {
	RequestID string          // of the invocation
	Function  string          // ARN, with its qualifier
	Failed    bool            // the function failed, or the platform gave up
	Condition string          // Success, RetriesExhausted, EventAgeExceeded …
	Payload   json.RawMessage // the function's response, or its error document; nil: none
	Resent    int             // how often the engine put it back into the queue; see EncodeResent

	functionError string
}

// EncodeResent returns the text with which the engine puts the result back into the queue, with
// Resent increased by one. DecodeAsyncResult reads the same fields from it. It is never longer than
// a record of the cloud with the same payload.
func (o *AsyncResult) EncodeResent() ([]byte, error) {
	var r record
	r.RequestContext.RequestID, r.RequestContext.FunctionARN = o.RequestID, o.Function
	r.RequestContext.Condition, r.ResponseContext.FunctionError = o.Condition, o.functionError
	r.ResponsePayload, r.Resent = o.Payload, o.Resent+1
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(&r)
	return bytes.TrimRight(text.Bytes(), "\n"), err
}

// record is a destination record (version 1.0), without the members that are not used.
type record struct {
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
	} `json:"requestContext"`
	ResponseContext struct {
		FunctionError string `json:"functionError,omitempty"`
	} `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
	Resent          int             `json:"millraceResent,omitempty"` // written by EncodeResent
}

// DecodeAsyncResult decodes a destination record (version 1.0).
func DecodeAsyncResult(event []byte) (AsyncResult, error) {
	if err := expect(event, AsyncResultEvent); err != nil {
		return AsyncResult{}, err
	}
	var e record
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return AsyncResult{}, malformed("the outcome of an asynchronous invocation cannot be "+
			"read: %v", err)
	}
	c := &e.RequestContext
	if c.RequestID == "" {
		return AsyncResult{}, malformed("the outcome of an asynchronous invocation has no " +
			"requestContext.requestId")
	}
	o := AsyncResult{
		RequestID:     c.RequestID,
		Function:      c.FunctionARN,
		Condition:     c.Condition,
		Payload:       e.ResponsePayload,
		Resent:        e.Resent,
		functionError: e.ResponseContext.FunctionError,
		Failed: c.Condition != "Success" && !isFCSuccess(c.Condition, c.FunctionARN) ||
			e.ResponseContext.FunctionError != "",
	}
	if bytes.Equal(o.Payload, []byte("null")) {
		o.Payload = nil
	}
	return o, nil
}

// isFCSuccess reports whether a condition means success on Function Compute, which sends none.
func isFCSuccess(condition, functionARN string) bool {
	return condition == "" && strings.HasPrefix(functionARN, "acs:fc:")
}
