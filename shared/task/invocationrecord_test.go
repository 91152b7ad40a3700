package task_test

import (
	"encoding/json"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
)

// TestInvocationRecordIsStored: rows hold records in this form. Functions of two versions read the
// same rows during a deployment.
func TestInvocationRecordIsStored(t *testing.T) {
	for dialect, recorded := range map[flow.Dialect]string{
		flow.FlowV1: "true", flow.StateMachine: "false", 0: "false",
	} {
		r := task.Request{Account: "1", Token: "t", Action: "FC:InvokeFunction", Dialect: dialect}
		text, err := json.Marshal(r.InvocationRecord("f", true))
		want := `{"Account":"1","Token":"t","Action":"FC:InvokeFunction","Legacy":` + recorded +
			`,"Function":"f","Chosen":true}`
		if err != nil || string(text) != want {
			t.Errorf("%s, want %s, %v", text, want, err)
		}
		var n task.InvocationRecord
		err = json.Unmarshal(text, &n)
		if got := n.Request(); err != nil || got.TakesInput() != r.TakesInput() ||
			got.Action != r.Action || got.Token != r.Token || got.Account != r.Account {
			t.Errorf("read again: %+v, %v", got, err)
		}
	}
	var n task.InvocationRecord
	if err := json.Unmarshal([]byte(`{"Legacy":3}`), &n); err == nil {
		t.Errorf("a dialect that there is not: %+v", n)
	}
}
