package crash_test

import (
	"encoding/json"
	"testing"

	"millrace/shared/rpc/client"
	"millrace/tests/reference"
)

// judge checks the history of an execution that has lived through crashes against the reference. It
// takes the results of its tasks, and its stops, from the history.
func (l *load) judge(t *testing.T, x id, shown []client.Event) {
	t.Helper()
	events, err := reference.Read(shown)
	if err != nil {
		t.Fatal(err)
	}
	var begun struct{ Input json.RawMessage }
	var ended struct{ Error, Cause string }
	if err := json.Unmarshal([]byte(events[0].Detail), &begun); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(events[len(events)-1].Detail), &ended); err != nil {
		t.Fatal(err)
	}
	outside := reference.Record{Late: -1, Limits: reference.Defaults(x.flow == "old")}
	if x.flow == "stop" {
		by := reference.Failure{Name: ended.Error, Cause: ended.Cause}
		outside.Stops = []reference.Stop{{Failure: by}}
	}
	context := reference.Context{Flow: x.flow, Execution: x.name}
	definition := definitions(l.tasks.URL)[x.flow]
	err = reference.Check(definition, string(begun.Input), context, events, outside)
	if err != nil {
		t.Errorf("%v: %v", x, err)
	}
}
