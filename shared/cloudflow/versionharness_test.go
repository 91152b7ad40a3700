package cloudflow_test

import (
	"fmt"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/memstore"
)

// versionHarness is a service with the flow "f", whose definition the tests change.
type versionHarness struct {
	*testing.T
	*cloudflow.Service
	rows   *memstore.Store
	caller cloudflow.Caller
}

func newVersionHarness(t *testing.T) *versionHarness {
	t.Helper()
	rows := memstore.New()
	h := &versionHarness{t, newRunningService(rows), rows,
		cloudflow.Caller{Account: "1234567890123456"}}
	if _, err := h.CreateFlow(t.Context(), h.caller, cloudflow.CreateFlowRequest{Name: "f",
		Definition: numbered(1)}); err != nil {
		t.Fatal(err)
	}
	return h
}

// numbered returns a definition whose executions end with the output {"n": n}.
func numbered(n int) string {
	return fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n"+
		"- {Name: A, Type: Pass, OutputConstructor: {n: %d}, End: true}\n", n)
}

func (h *versionHarness) update(n int) {
	h.Helper()
	text := numbered(n)
	if _, err := h.UpdateFlow(h.Context(), h.caller, cloudflow.UpdateFlowRequest{Name: "f",
		Definition: &text}); err != nil {
		h.Fatal(err)
	}
}

// publish publishes a version, whose number must be want.
func (h *versionHarness) publish(want int64) {
	h.Helper()
	v, err := h.PublishFlowVersion(h.Context(), h.caller,
		cloudflow.PublishFlowVersionRequest{FlowName: "f", Description: fmt.Sprint("v", want)})
	if err != nil || v.Version != want || v.FlowName != "f" || v.CreatedTime == 0 {
		h.Fatalf("published %+v, %v, want version %d", v, err, want)
	}
}

func (h *versionHarness) deleteVersion(version string) error {
	return h.DeleteFlowVersion(h.Context(), h.caller,
		cloudflow.DeleteFlowVersionRequest{FlowName: "f", FlowVersion: version})
}

func (h *versionHarness) createAlias(name, routes string) error {
	_, err := h.CreateFlowAlias(h.Context(), h.caller, cloudflow.CreateFlowAliasRequest{
		FlowName: "f", Name: name, RoutingConfigurations: routes})
	return err
}

func (h *versionHarness) routeAlias(name, routes string) error {
	_, err := h.UpdateFlowAlias(h.Context(), h.caller, cloudflow.UpdateFlowAliasRequest{
		FlowName: "f", Name: name, RoutingConfigurations: &routes})
	return err
}

// start starts an execution with a qualifier and returns the number of its definition.
func (h *versionHarness) start(name, qualifier string) (int, error) {
	h.Helper()
	x, err := h.StartExecution(h.Context(), h.caller, cloudflow.StartExecutionRequest{
		FlowName: "f", ExecutionName: name, Qualifier: qualifier})
	if err != nil {
		return 0, err
	}
	return numberOf(x.FlowDefinition), nil
}

func numberOf(definition string) int {
	for n := range 10 {
		if definition == numbered(n) {
			return n
		}
	}
	return -1
}

// wantCode checks the code of a fault; "": no fault.
func (h *versionHarness) wantCode(what string, err error, want fault.Code) {
	h.Helper()
	if fault.CodeOf(err) != want {
		h.Errorf("%s: %v, want %q", what, err, want)
	}
}
