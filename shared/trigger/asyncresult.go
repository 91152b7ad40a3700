package trigger

import (
	"bytes"
	"encoding/json"
	"strings"

	"millrace/shared/value"
)

// AsyncResult is how an asynchronous invocation of a function ended, as its destination tells it.
type AsyncResult struct {
	RequestID string          // of the invocation
	Function  string          // ARN, with its qualifier
	Failed    bool            // the function failed, or was given up
	Condition string          // Success, RetriesExhausted, EventAgeExceeded …
	Payload   json.RawMessage // what the function answered; of a failure its error document; nil for none
	Resent    int             // how often the engine has put it back into the queue; see Again

	functionError string
}

// EncodeResent is the record as the engine puts it back into the queue, once more than before: what
// DecodeOutcome reads of it, and never longer than a record with the same payload.
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

// record is a destination record (version 1.0), as far as it is read.
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
	Resent          int             `json:"millraceResent,omitempty"` // written by Again
}

// DecodeAsyncResult opens a destination record (version 1.0).
func DecodeAsyncResult(event []byte) (AsyncResult, error) {
	if err := expect(event, AsyncResultEvent); err != nil {
		return AsyncResult{}, err
	}
	var e record
	if err := value.UnmarshalLenient(event, &e); err != nil {
		return AsyncResult{}, malformed("the outcome of an asynchronous invocation cannot be read: %v", err)
	}
	c := &e.RequestContext
	if c.RequestID == "" {
		return AsyncResult{}, malformed("the outcome of an asynchronous invocation has no requestContext.requestId")
	}
	o := AsyncResult{RequestID: c.RequestID, Function: c.FunctionARN, Condition: c.Condition, Payload: e.ResponsePayload,
		Resent: e.Resent, functionError: e.ResponseContext.FunctionError,
		Failed: c.Condition != "Success" && !isFCSuccess(c.Condition, c.FunctionARN) || e.ResponseContext.FunctionError != ""}
	if bytes.Equal(o.Payload, []byte("null")) {
		o.Payload = nil
	}
	return o, nil
}

// isFCSuccess tells whether a condition is that of a success on Function Compute, which names none.
func isFCSuccess(condition, functionARN string) bool {
	return condition == "" && strings.HasPrefix(functionARN, "acs:fc:")
}
