package task_test

import (
	"encoding/json"
	"testing"

	"millrace/shared/task"
)

// TestInvocationRecordIsStored: rows hold records in this form. Functions of two versions read the
// same rows during a deployment.
func TestInvocationRecordIsStored(t *testing.T) {
	text, err := json.Marshal(task.InvocationRecord{
		Account: "1", Token: "t", Action: "FC:InvokeFunction",
		FlowV1: true, Function: "f", Chosen: true,
	})
	const want = `{"Account":"1","Token":"t","Action":"FC:InvokeFunction","Legacy":true,` +
		`"Function":"f","Chosen":true}`
	if err != nil || string(text) != want {
		t.Errorf("%s, want %s, %v", text, want, err)
	}
}
