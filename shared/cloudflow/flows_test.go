package cloudflow_test

import (
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// newService returns a service over a store in memory. Its engine is not started.
func newService() *cloudflow.Service {
	return newServiceOn(memstore.New())
}

func newServiceOn(d driver.Driver) *cloudflow.Service {
	s := store.New(store.Options{Driver: d})
	return cloudflow.New(cloudflow.Options{
		Store:  s,
		Engine: engine.New(engine.Options{Store: s}),
		Limits: flow.DefaultLimits(),
	})
}

const passFlow = "version: v1\ntype: flow\nsteps:\n  - type: pass\n    name: p\n"

// TestUpdateFlowOrder: a malformed update of a missing flow causes the same fault as a malformed
// update of an existing one.
func TestUpdateFlowOrder(t *testing.T) {
	s, caller := newService(), cloudflow.Caller{Account: "1234567890123456"}
	if _, err := s.CreateFlow(t.Context(), caller, cloudflow.CreateFlowRequest{
		Name:       "there",
		Definition: passFlow,
	}); err != nil {
		t.Fatal(err)
	}
	text := func(s string) *string { return &s }
	for name, q := range map[string]cloudflow.UpdateFlowRequest{
		"name":        {Name: "9"},
		"type":        {Type: text("XML")},
		"description": {Description: text(strings.Repeat("x", 4097))},
		"environment": {Environment: text("{")},
		"variable":    {Environment: text(`{"Variables":[{"Name":"9x","Value":""}]}`)},
		"definition":  {Definition: text("version: v1\ntype: flow\n")},
		"no YAML":     {Definition: text("a: [")},
		"beside a good change": {
			Description: text("d"),
			Definition:  text(passFlow),
			Environment: text("[]"),
		},
	} {
		for _, flowName := range []string{"there", "missing"} {
			if q.Name == "" || q.Name == "there" {
				q.Name = flowName
			}
			if _, err := s.UpdateFlow(t.Context(), caller,
				q); fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("%s, %s: %v", name, flowName, err)
			}
		}
	}
	for name, q := range map[string]cloudflow.UpdateFlowRequest{
		"nothing": {},
		"everything": {
			Definition:  text(passFlow),
			Description: text("d"),
			Environment: text(`{"Variables":[]}`),
			Type:        text("FDL"),
		},
	} {
		q.Name = "missing"
		_, err := s.UpdateFlow(t.Context(), caller, q)
		if fault.CodeOf(err) != fault.FlowNotExists {
			t.Errorf("%s: %v", name, err)
		}
		q.Name = "there"
		if _, err := s.UpdateFlow(t.Context(), caller, q); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := s.DescribeFlow(t.Context(), caller, cloudflow.DescribeFlowRequest{Name: "there"})
	if err != nil || got.Description != "d" || got.Definition != passFlow {
		t.Errorf("%+v, %v", got, err)
	}
}
