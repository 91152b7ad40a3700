package clouds_test

import (
	"fmt"
	"testing"

	"millrace/shared/cloudflow"
)

// testVersions publishes versions and starts them by number, by alias and from a task. The
// functions read a flow and its versions from the cloud's store.
func testVersions(t *testing.T, s *stack, _ *service) {
	made := func(n int) string {
		return fmt.Sprintf("- {Name: A, Type: Pass, OutputConstructor: {n: %d}, End: true}\n", n)
	}
	s.Define("versioned", made(1))
	publish := func(want string) {
		t.Helper()
		v, err := s.Client.PublishFlowVersion(t.Context(),
			cloudflow.PublishFlowVersionRequest{FlowName: "versioned", Description: "v" + want})
		if err != nil || v.Version != want {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	publish("1")
	first, err := s.Client.DescribeFlow(t.Context(), "versioned")
	if err != nil {
		t.Fatal(err)
	}
	newer := "Type: StateMachine\nSpecVersion: v1\nName: versioned\nStartAt: A\nStates:\n" + made(2)
	if _, err := s.Client.UpdateFlow(t.Context(), cloudflow.UpdateFlowRequest{Name: "versioned",
		Definition: &newer}); err != nil {
		t.Fatal(err)
	}
	publish("2")
	routes := `[{"Version":"1","Weight":100}]`
	if _, err := s.Client.CreateFlowAlias(t.Context(), cloudflow.CreateFlowAliasRequest{
		FlowName: "versioned", Name: "live", RoutingConfigurations: routes}); err != nil {
		t.Fatal(err)
	}
	for qualifier, want := range map[string]string{"1": `{"n":1}`, "2": `{"n":2}`,
		"live": `{"n":1}`} {
		name := "by-" + qualifier
		if _, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
			FlowName: "versioned", ExecutionName: name, Qualifier: qualifier}); err != nil {
			t.Fatal(err)
		}
		s.Succeeded("versioned", name, want)
	}
	s.Define("starts", "- {Name: A, Type: Task, Action: 'FNF:StartExecution', "+
		"TaskMode: WaitForSystemCallback, "+
		"Parameters: {resourceArn: 'acs:fnf:::flow/versioned/live'}, End: true}\n")
	if _, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: "starts", ExecutionName: "x"}); err != nil {
		t.Fatal(err)
	}
	s.Succeeded("starts", "x", `{"n":1}`)

	if got, err := s.Client.DescribeFlowVersion(t.Context(), "versioned", "1"); err != nil ||
		got.Definition != first.Definition {
		t.Errorf("%+v, %v", got, err)
	}
	gone := cloudflow.DeleteFlowVersionRequest{FlowName: "versioned", FlowVersion: "1"}
	if err := s.Client.DeleteFlowVersion(t.Context(), gone); codeOf(err) !=
		"ConcurrentUpdateError" {
		t.Errorf("deleted while an alias uses it: %v", err)
	}
	routes = `[{"Version":"2","Weight":100}]`
	if _, err := s.Client.UpdateFlowAlias(t.Context(), cloudflow.UpdateFlowAliasRequest{
		FlowName: "versioned", Name: "live", RoutingConfigurations: &routes}); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.DeleteFlowVersion(t.Context(), gone); err != nil {
		t.Error(err)
	}
	list, err := s.Client.ListFlowVersions(t.Context(),
		cloudflow.ListOfFlowRequest{FlowName: "versioned"})
	if err != nil || len(list.FlowVersions) != 1 || list.FlowVersions[0].Version != "2" {
		t.Errorf("%+v, %v", list, err)
	}
	aliases, err := s.Client.ListFlowAliases(t.Context(),
		cloudflow.ListOfFlowRequest{FlowName: "versioned"})
	if err != nil || len(aliases.Aliases) != 1 {
		t.Errorf("%+v, %v", aliases, err)
	}
}
