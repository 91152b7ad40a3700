package cloud

import (
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// TestQualifiedRule: a rule that names an alias starts the version that the alias has. An event
// that comes again when the alias is gone finds its execution.
func TestQualifiedRule(t *testing.T) {
	const tick = `{"triggerTime":"2026-01-31T02:00:00Z","triggerName":"nightly","payload":""}`
	caller := cloudflow.Caller{Account: "1"}
	e := newStarterHarness(t, `[{timer: nightly, flow: report/live, account: "1"}]`, "report")
	if wrong := e.send(tick); !strings.Contains(wrong, "Alias 'live' for flow 'report'") {
		t.Errorf("without the alias: %q", wrong)
	}
	_, err := e.service.PublishFlowVersion(t.Context(), caller,
		cloudflow.PublishFlowVersionRequest{FlowName: "report"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = e.service.CreateFlowAlias(t.Context(), caller, cloudflow.CreateFlowAliasRequest{
		FlowName: "report", Name: "live",
		RoutingConfigurations: `[{"Version":"1","Weight":100}]`}); err != nil {
		t.Fatal(err)
	}
	newer := "Type: StateMachine\nSpecVersion: v1\nName: report\nStartAt: B\nStates:\n" +
		"- {Name: B, Type: Pass, End: true}\n"
	if _, err = e.service.UpdateFlow(t.Context(), caller, cloudflow.UpdateFlowRequest{
		Name: "report", Definition: &newer}); err != nil {
		t.Fatal(err)
	}
	if wrong := e.send(tick); wrong != "" {
		t.Error(wrong)
	}
	page, err := e.service.ListExecutions(t.Context(), caller,
		cloudflow.ListExecutionsRequest{FlowName: "report", Qualifier: "live"})
	if err != nil || len(page.Executions) != 1 ||
		!strings.Contains(page.Executions[0].FlowDefinition, "StartAt: A") {
		t.Errorf("%+v, %v", page, err)
	}
	if err := e.service.DeleteFlowAlias(t.Context(), caller,
		cloudflow.FlowAliasRequest{FlowName: "report", Name: "live"}); err != nil {
		t.Fatal(err)
	}
	if wrong := e.send(tick); wrong != "" {
		t.Errorf("again, without the alias: %q", wrong)
	}
}

func TestQualifiedRuleNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"f": true, "f/live": true, "f/7": true, "f/": false, "/live": false, "f/7a": false,
		"f/a/b": false, "f:live": false,
	} {
		_, err := startRules(`[{timer: t, flow: "` + name + `", account: "1"}]`)
		if (err == nil) != valid {
			t.Errorf("flow %q: %v", name, err)
		}
	}
}
