package fctask

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"millrace/shared/task"
)

// call is what a request asks for.
type call struct {
	target  *task.Function
	async   bool
	event   []byte
	asyncID string // id of a stateful asynchronous invocation, older language
}

// readCall reads the request in either language.
func readCall(r *task.Request) (*call, error) {
	var p struct {
		ResourceArn    string          `json:"resourceArn"`
		InvocationType string          `json:"invocationType"` // Go matches InvocationType too
		Body           json.RawMessage `json:"body"`
		AsyncID        json.RawMessage `json:"StatefulAsyncInvocationID"`
	}
	if len(r.Parameters) > 0 {
		if err := json.Unmarshal(r.Parameters, &p); err != nil {
			return nil, fmt.Errorf("the parameters must be an object, resourceArn and invocationType strings in it")
		}
	}
	c := &call{event: []byte(task.Text(p.Body))}
	if r.Legacy {
		c.event, c.asyncID = r.Input, task.Text(p.AsyncID)
		if len(c.event) == 0 {
			c.event = []byte("{}")
		}
		if r.Resource != "" {
			p.ResourceArn = r.Resource
		}
	}
	if p.ResourceArn == "" {
		return nil, fmt.Errorf("resourceArn is required")
	}
	if c.asyncID != "" && !task.IsFunctionPart(c.asyncID) {
		return nil, fmt.Errorf("StatefulAsyncInvocationID %q is no id", task.Cut(c.asyncID, task.PartMax))
	}
	var err error
	if c.async, err = task.IsAsync(r, p.InvocationType); err != nil {
		return nil, err
	}
	c.target, err = task.ParseFunction(p.ResourceArn, r.Region, r.Account)
	return c, err
}

// requestID is the id of an invocation: derived from the key, so that a repeated call has the same.
func requestID(key string) string {
	var b [16]byte
	if key == "" {
		rand.Read(b[:]) // never fails
	} else {
		sum := sha256.Sum256([]byte("invocation\x00" + key))
		copy(b[:], sum[:])
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
