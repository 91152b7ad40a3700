package trigger

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Outcome is how an asynchronous invocation of a function ended, as its destination tells it.
type Outcome struct {
	RequestID string          // of the invocation
	Function  string          // ARN, with its qualifier
	Failed    bool            // the function failed, or was given up
	Condition string          // Success, RetriesExhausted, EventAgeExceeded …
	Payload   json.RawMessage // what the function answered; of a failure its error document; nil for none
}

// DecodeOutcome opens a destination record (version 1.0).
func DecodeOutcome(event []byte) (Outcome, error) {
	if err := expect(event, AsyncOutcome); err != nil {
		return Outcome{}, err
	}
	var e struct {
		RequestContext struct {
			RequestID   string `json:"requestId"`
			FunctionARN string `json:"functionArn"`
			Condition   string `json:"condition"`
		} `json:"requestContext"`
		ResponseContext struct {
			FunctionError string `json:"functionError"`
		} `json:"responseContext"`
		ResponsePayload json.RawMessage `json:"responsePayload"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return Outcome{}, malformed("the outcome of an asynchronous invocation cannot be read: %v", err)
	}
	c := &e.RequestContext
	if c.RequestID == "" {
		return Outcome{}, malformed("the outcome of an asynchronous invocation has no requestContext.requestId")
	}
	o := Outcome{RequestID: c.RequestID, Function: c.FunctionARN, Condition: c.Condition, Payload: e.ResponsePayload,
		Failed: c.Condition != "Success" && !ofFC(c.Condition, c.FunctionARN) || e.ResponseContext.FunctionError != ""}
	if bytes.Equal(o.Payload, []byte("null")) {
		o.Payload = nil
	}
	return o, nil
}

// ofFC tells whether a condition is that of a success on Function Compute, which names none.
func ofFC(condition, functionARN string) bool {
	return condition == "" && strings.HasPrefix(functionARN, "acs:fc:")
}
