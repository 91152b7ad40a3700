package task

import (
	"cmp"
	"encoding/json"
	"errors"

	"millrace/shared/value"
)

// Invocation is the content of a request of FC:InvokeFunction. Its function and ids are not yet
// validated.
type Invocation struct {
	ResourceArn string // never ""
	Type        string // invocationType as given, for IsAsync
	Event       []byte
	AsyncID     string // id that the flow chose for a stateful asynchronous invocation; FlowV1 only
}

// ReadInvocation reads the request in either dialect.
func ReadInvocation(r *Request) (*Invocation, error) {
	var p struct {
		ResourceArn    string          `json:"resourceArn"`
		InvocationType string          `json:"invocationType"`
		OldType        string          `json:"InvocationType"` // the spelling of FlowV1
		Body           json.RawMessage `json:"body"`
		AsyncID        json.RawMessage `json:"StatefulAsyncInvocationID"`
	}
	if len(r.Parameters) > 0 {
		if err := value.Unmarshal(r.Parameters, &p); err != nil {
			return nil, errors.New(
				"the parameters must be an object, resourceArn and invocationType strings in it",
			)
		}
	}
	v := &Invocation{
		ResourceArn: p.ResourceArn, Type: cmp.Or(p.InvocationType, p.OldType),
		Event: []byte(Text(p.Body)),
	}
	d := r.dialect()
	if d.takesInput {
		if v.Event = r.Input; len(v.Event) == 0 {
			v.Event = []byte("{}")
		}
	}
	if d.choosesIDs {
		v.AsyncID = Text(p.AsyncID)
	}
	if r.Resource != "" {
		v.ResourceArn = r.Resource
	}
	if v.ResourceArn == "" {
		return nil, errors.New("resourceArn is required")
	}
	return v, nil
}
