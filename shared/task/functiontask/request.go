package functiontask

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"millrace/shared/task"
	"millrace/shared/value"
)

// invokeRequest is a parsed call of FC:InvokeFunction.
type invokeRequest struct {
	target  *task.Function
	account string // of the calling flow
	async   bool
	event   []byte
	asyncID string // id of a stateful asynchronous invocation, FlowV1 only
}

// parseInvokeRequest reads the request in either dialect.
func parseInvokeRequest(r *task.Request) (*invokeRequest, error) {
	v, err := task.ReadInvocation(r)
	if err != nil {
		return nil, err
	}
	c := &invokeRequest{account: r.Account, event: v.Event, asyncID: v.AsyncID}
	if c.asyncID != "" && !task.IsFunctionPart(c.asyncID) {
		return nil, fmt.Errorf("StatefulAsyncInvocationID %q is no id",
			value.Cut(c.asyncID, task.PartMax))
	}
	if c.async, err = task.IsAsync(r, v.Type); err != nil {
		return nil, err
	}
	c.target, err = task.ParseFunction(v.ResourceArn, r.Region, r.Account)
	return c, err
}

// requestID returns the id of an invocation. It is derived from the key, so that a repeated call
// has the same id.
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
