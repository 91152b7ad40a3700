package cloudflow_test

import (
	"context"
	"slices"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// staleIndex is a store whose list index can be frozen.
type staleIndex struct {
	driver.Driver
	frozen   bool
	snapshot map[string][]driver.Listed // by group
}

func (b *staleIndex) List(ctx context.Context, r driver.ListRange) ([]driver.Listed, bool, error) {
	if list, ok := b.snapshot[r.Group]; ok && b.frozen {
		return list, false, nil
	}
	list, more, err := b.Driver.List(ctx, r)
	b.snapshot[r.Group] = slices.Clone(list)
	return list, more, err
}

// discardQueue drops every hint.
type discardQueue struct{}

func (discardQueue) Send(context.Context, ...queue.Hint) error { return nil }

// newRunningService returns a service that starts executions but makes no task calls.
func newRunningService(d driver.Driver) *cloudflow.Service {
	limits := flow.DefaultLimits()
	s := store.New(store.Options{Driver: d})
	r := engine.New(engine.Options{Store: s, Limits: limits, Queue: discardQueue{},
		Compile: func(definition, mode string) (*flow.Machine, error) {
			m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode, Limits: limits})
			if m == nil {
				return nil, fdl.Fault(diagnostics)
			}
			return m, nil
		}})
	return cloudflow.New(cloudflow.Options{Store: s, Engine: r, Limits: limits})
}

// TestListByStatusWhileTheIndexIsBehind: an execution whose status has changed since the index was
// written is not listed under the old status.
func TestListByStatusWhileTheIndexIsBehind(t *testing.T) {
	d := &staleIndex{Driver: memstore.New(), snapshot: map[string][]driver.Listed{}}
	s, caller := newRunningService(d), cloudflow.Caller{Account: "1234567890123456"}
	const waits = "version: v1\ntype: flow\nsteps:\n  - type: wait\n    name: w\n    duration: " +
		"1000\n"
	create := cloudflow.CreateFlowRequest{Name: "f", Definition: waits}
	if _, err := s.CreateFlow(t.Context(), caller, create); err != nil {
		t.Fatal(err)
	}
	start := cloudflow.StartExecutionRequest{FlowName: "f", ExecutionName: "x"}
	if _, err := s.StartExecution(t.Context(), caller, start); err != nil {
		t.Fatal(err)
	}
	listed := func(status string) (list []string) {
		t.Helper()
		q := cloudflow.ListExecutionsRequest{FlowName: "f", Status: status}
		page, err := s.ListExecutions(t.Context(), caller, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Executions {
			list = append(list, x.Name+" "+x.Status)
		}
		return list
	}
	running := []string{"x Running"}
	if got := listed("Running"); !slices.Equal(got, running) {
		t.Fatalf("before: %v, want %v", got, running)
	}
	d.frozen = true
	stop := cloudflow.StopExecutionRequest{FlowName: "f", ExecutionName: "x"}
	if _, err := s.StopExecution(t.Context(), caller, stop); err != nil {
		t.Fatal(err)
	}
	if got := listed("Running"); len(got) > 0 {
		t.Errorf("those that run: %v, want none", got)
	}
	if got, want := listed(""), []string{"x Stopped"}; !slices.Equal(got, want) {
		t.Errorf("all: %v, want %v", got, want)
	}
}
