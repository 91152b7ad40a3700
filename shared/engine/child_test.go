package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
)

// The execution that a task starts is stopped with its parent, whatever the case of its parameter
// names and whatever other parameters there are: the engine and the task read the same names.
func TestChildIsStoppedByItsName(t *testing.T) {
	for _, parameters := range []string{
		"executionName: c1", "ExecutionName: c1", "executionname: c1",
		"executionName: c1, ExecutionName: c2", "EXECUTIONNAME: c1, executionName: c2",
		"FlowName: other, executionName: c1",
		"executionName.$: 'true'", "executionName.$: 'null', ExecutionName: c2",
		"executionName.$: '\"\"', ExecutionName: c2",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			h := w.open(nil)
			child := w.flow("child", "- {Name: A, Type: Wait, Seconds: 300, End: true}\n")
			f := w.flow("parent",
				"- {Name: A, Type: Task, Action: 'FNF:StartExecution', "+
					"TaskMode: WaitForSystemCallback, "+
					"Parameters: {resourceArn: 'acs:fnf:::flow/child', "+
					parameters+", input: {}}, End: true}\n")
			h.start(f, "one")
			time.Sleep(time.Second)
			running, _, err := w.store.List(context.Background(),
				store.ListOptions{FlowID: child.ID, Shards: child.ListShards, Limit: 10})
			if err != nil || len(running) != 1 {
				t.Fatalf("%s: %v %v", parameters, running, err)
			}
			if _, err := h.Stop(context.Background(), store.Partition(f.ID, "one"),
				&flow.Error{Name: "Stop"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
			if x := w.load(child, running[0].Name); x.Status != flow.Stopped {
				t.Errorf("%s: the child %s is %v", parameters, x.Name, x.Status)
			}
		})
	}
}
