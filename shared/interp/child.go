package interp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"millrace/shared/flow"
)

// childFlow is the flow that a task starts an execution of; false for a task that starts none.
func childFlow(t *flow.TaskSpec, params *flow.Value) (string, bool) {
	if !strings.EqualFold(t.Action, "FNF:StartExecution") {
		return "", false
	}
	if t.Resource != "" {
		return afterFlow(t.Resource)
	}
	p := members(params)
	if name, ok := p["FlowName"].(string); ok {
		return name, true
	}
	arn, _ := p["resourceArn"].(string)
	return afterFlow(arn)
}

func afterFlow(arn string) (string, bool) {
	_, name, ok := strings.Cut(arn, "flow/")
	return name, ok && name != ""
}

// childExecution is the name that the flow gives the execution; false when it gives none.
func childExecution(t *flow.TaskSpec, params *flow.Value) (string, bool) {
	p := members(params)
	for _, key := range []string{"executionName", "ExecutionName"} {
		if name, ok := p[key].(string); ok && name != "" {
			return name, true
		}
	}
	return "", false
}

func members(v *flow.Value) map[string]any {
	if v == nil || !v.Loaded() {
		return nil
	}
	m, _ := v.Object()
	return m
}

// ChildName is the name of a child execution that the flow does not name: derived from the attempt's idempotency
// key, so that calling twice starts once.
func ChildName(key string) string {
	sum := sha256.Sum256([]byte("child#" + key))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
