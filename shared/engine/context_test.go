package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
)

// TestContextAfterRestart: what $Context shows comes from the state row, so it is the
// same in a process that has not started the execution.
func TestContextAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", "- {Name: A, Type: Wait, Seconds: 60, Next: B}\n"+
			"- {Name: B, Type: Pass, OutputConstructor: {role.$: $Context.Execution.RoleArn, "+
			"name.$: $Context.Execution.Name, input.$: $Context.Execution.Input, "+
			"account.$: $Context.Workflow.AccountId, flow.$: $Context.Workflow.Flow}, "+
			"End: true}\n")
		f.RoleArn = "acs:ram::1:role/payer"
		h := w.open(nil)
		h.start(f, "one")
		h.close()
		w.open(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded,
			`{"account":"`+account+`","flow":"f","input":{"n":1},"name":"one",`+
				`"role":"acs:ram::1:role/payer"}`)
	})
}
