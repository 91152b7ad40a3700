package fctask

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"millrace/shared/task"
)

// call is what a request asks for.
type call struct {
	target  *target
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
	if c.asyncID != "" && !isName(c.asyncID) {
		return nil, fmt.Errorf("StatefulAsyncInvocationID %q is no id", task.Cut(c.asyncID, partMax))
	}
	var err error
	if c.async, err = isAsync(r, p.InvocationType); err != nil {
		return nil, err
	}
	c.target, err = parseTarget(p.ResourceArn, r.Region, r.Account)
	return c, err
}

// isAsync reads the invocation type. A job that is waited for is asynchronous by its nature; the newer language
// refuses a synchronous one (D-37), the older takes it for a call.
func isAsync(r *task.Request, kind string) (bool, error) {
	switch {
	case kind == "":
		return r.Mode == task.System, nil
	case strings.EqualFold(kind, "Async"):
		return true, nil
	case !strings.EqualFold(kind, "Sync"):
		return false, fmt.Errorf("invocationType must be Sync or Async, not %q", task.Cut(kind, 40))
	case r.Mode == task.System && !r.Legacy:
		return false, fmt.Errorf("WaitForSystemCallback wants invocationType Async")
	}
	return false, nil
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
