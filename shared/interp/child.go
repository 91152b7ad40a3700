package interp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// childOf returns the execution that a task starts, as far as the flow names it. It returns false
// for a task that starts none.
func childOf(t *flow.TaskSpec, d flow.Dialect, params *flow.Value) (flow.ChildStart, bool) {
	if !strings.EqualFold(t.Action, "FNF:StartExecution") {
		return flow.ChildStart{}, false
	}
	p := members(params)
	c := flow.ReadChildStart(d, t.Resource, func(name string) string {
		return textOf(p[name])
	})
	return c, c.Flow() != ""
}

// textOf converts a parameter to text exactly like the tasks do (task.Text).
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return string(value.Encode(v))
}

func members(v *flow.Value) map[string]any {
	if v == nil || !v.Loaded() {
		return nil
	}
	m, _ := v.Object()
	return m
}

// ChildName returns the name of a child execution that the flow does not name. It is derived from
// the attempt's idempotency key, so that a repeated call starts only one execution.
func ChildName(key string) string {
	sum := sha256.Sum256([]byte("child#" + key))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// startedNothing reports whether an error of a start proves that no execution was started, even if
// the call was repeated; then there is nothing to stop. After any other error an execution may
// exist, started by this call or by an earlier one whose response was lost.
func startedNothing(name string) bool {
	_, code, _ := strings.Cut(name, ".")
	switch code {
	case "ExecutionAlreadyExists", "FlowNotExists", "InvalidArgument", "MissingRequiredParams":
		return true
	}
	return false
}

// ChildSeed returns the run and the seed of an Express child execution of a MapRun. They are
// derived from the seed of its parent and the idempotency key of the attempt, so a child that is
// run again has the same random values, and its calls the same idempotency keys.
func ChildSeed(parent [16]byte, key string) (run uint64, seed [16]byte) {
	h := hmac.New(sha256.New, parent[:])
	h.Write([]byte("child#" + key))
	sum := h.Sum(nil)
	copy(seed[:], sum)
	return max(binary.BigEndian.Uint64(sum[16:]), 1), seed
}
