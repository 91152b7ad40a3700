package e2e_test

import (
	"testing"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/rpc/client"
	"millrace/tests/reference"
)

// judge checks the history that a server shows against the reference. The reference takes the
// outcomes of tasks from the history.
func judge(t *testing.T, definition string, dialect flow.Dialect, s *flowtest.Setup,
	shown []client.Event) {
	t.Helper()
	context := reference.Context{Flow: s.FlowName, Execution: s.ExecutionName,
		Account: "1234567890123456", Region: "local", RoleArn: s.RoleArn}
	err := reference.CheckHistory(definition, string(encode(s.Input)), context,
		dialect == flow.FlowV1, shown)
	if _, unjudged := err.(*reference.Unjudged); err != nil && !unjudged {
		t.Error(err)
	}
}
