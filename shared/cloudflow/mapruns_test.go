package cloudflow_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/memstore"
	"millrace/shared/value"
)

const spreads = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: M
States:
  - Name: M
    Type: Map
    ItemsPath: $Input.items
    MaxConcurrency: 2
    ToleratedFailurePercentage: 50
    ProcessorConfig: {ExecutionMode: Standard}
    Processor: {StartAt: W, States: [{Name: W, Type: Wait, Seconds: 300, End: true}]}
    End: true
`

// mapRunOf starts execution x of a flow f and returns the name of its MapRun.
func mapRunOf(t *testing.T, s *cloudflow.Service, c cloudflow.Caller) string {
	t.Helper()
	ctx := t.Context()
	if _, err := s.CreateFlow(ctx, c, cloudflow.CreateFlowRequest{
		Name: "f", Definition: spreads}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartExecution(ctx, c, cloudflow.StartExecutionRequest{
		FlowName: "f", ExecutionName: "x", Input: `{"items":[1,2,3]}`}); err != nil {
		t.Fatal(err)
	}
	history, err := s.GetExecutionHistory(ctx, c, cloudflow.GetExecutionHistoryRequest{
		FlowName: "f", ExecutionName: "x"})
	if err != nil {
		t.Fatal(err)
	}
	last := history.Events[len(history.Events)-1]
	var started struct {
		Output struct{ MapRunName string } `json:"output"`
	}
	if err := value.UnmarshalLenient([]byte(last.Detail), &started); err != nil ||
		last.Type != "MapRunStarted" {
		t.Fatal(last, err)
	}
	return started.Output.MapRunName
}

// TestMapRuns: a MapRun is described and changed by its name, its children are listed by that name
// alone, and what is wrong has its documented fault.
func TestMapRuns(t *testing.T) {
	s, c := newRunningService(memstore.New()), cloudflow.Caller{Account: "1234567890123456"}
	ctx := t.Context()
	names := cloudflow.MapRunRequest{FlowName: "f", ExecutionName: "x",
		MapRunName: mapRunOf(t, s, c)}
	got, err := s.DescribeMapRun(ctx, c, names)
	if err != nil || got.Status != "Running" || got.ItemCounts.Total != 3 ||
		got.ItemCounts.Running != 2 || got.ItemCounts.Pending != 1 || got.Concurrency != 2 ||
		got.ToleratedFailedCount != 0 || got.ToleratedFailedPercentage != 50 ||
		got.StoppedTime != 0 || got.Name != names.MapRunName {
		t.Errorf("%+v %v", got, err)
	}
	three, percent := int64(3), 12.5
	update := cloudflow.UpdateMapRunRequest{FlowName: "f", ExecutionName: "x",
		MapRunName: names.MapRunName, Concurrency: &three, ToleratedFailedPercentage: &percent}
	if got, err = s.UpdateMapRun(ctx, c, update); err != nil || got.Concurrency != 3 ||
		got.ToleratedFailedPercentage != 12.5 || got.FlowName != "f" {
		t.Errorf("%+v %v", got, err)
	}
	listed := func(mapRun string) int {
		page, err := s.ListExecutions(ctx, c, cloudflow.ListExecutionsRequest{
			FlowName: "f", MapRunName: mapRun})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Executions)
	}
	for end := time.Now().Add(10 * time.Second); listed(names.MapRunName) < 3; {
		if time.Now().After(end) { // the engine starts them in goroutines of its own
			t.Fatal("the children are not listed")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if listed("") != 1 || listed("other") != 0 {
		t.Errorf("%d without a MapRun, %d of another one", listed(""), listed("other"))
	}
	if _, err := s.StopExecution(ctx, c, cloudflow.StopExecutionRequest{
		FlowName: "f", ExecutionName: "x"}); err != nil {
		t.Fatal(err)
	}
	if got, err = s.DescribeMapRun(ctx, c, names); err != nil || got.Status != "Aborted" ||
		got.ItemCounts.Aborted != 3 || got.StoppedTime == 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := s.UpdateMapRun(ctx, c, update); fault.CodeOf(err) != fault.InvalidArgument ||
		!strings.Contains(err.Error(), "has ended") {
		t.Errorf("the update of one that has ended: %v", err)
	}
}

// TestMapRunRejections: each wrong name and number has its fault.
func TestMapRunRejections(t *testing.T) {
	s, c := newRunningService(memstore.New()), cloudflow.Caller{Account: "1234567890123456"}
	ctx := t.Context()
	if _, err := s.CreateFlow(ctx, c, cloudflow.CreateFlowRequest{
		Name: "f", Definition: spreads}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartExecution(ctx, c, cloudflow.StartExecutionRequest{
		FlowName: "f", ExecutionName: "x", Input: `{"items":[1]}`}); err != nil {
		t.Fatal(err)
	}
	for names, want := range map[cloudflow.MapRunRequest]fault.Code{
		{FlowName: "g", ExecutionName: "x", MapRunName: "m"}:  fault.FlowNotExists,
		{FlowName: "f", ExecutionName: "y", MapRunName: "m"}:  fault.ExecutionNotExists,
		{FlowName: "f", ExecutionName: "x", MapRunName: "m"}:  fault.MapRunNotExists,
		{FlowName: "f", ExecutionName: "x", MapRunName: "m "}: fault.InvalidArgument,
		{FlowName: "f", ExecutionName: "", MapRunName: "m"}:   fault.InvalidArgument,
	} {
		if _, err := s.DescribeMapRun(ctx, c, names); fault.CodeOf(err) != want {
			t.Errorf("%+v: %v, want %s", names, err, want)
		}
		if _, err := s.UpdateMapRun(ctx, c, cloudflow.UpdateMapRunRequest{FlowName: names.FlowName,
			ExecutionName: names.ExecutionName, MapRunName: names.MapRunName}); fault.CodeOf(err) != want {
			t.Errorf("update %+v: %v, want %s", names, err, want)
		}
	}
	n := func(i int64) *int64 { return &i }
	p := func(f float64) *float64 { return &f }
	for i, q := range []cloudflow.UpdateMapRunRequest{
		{Concurrency: n(0)}, {Concurrency: n(101)}, {ToleratedFailedCount: n(-1)},
		{ToleratedFailedPercentage: p(-0.5)}, {ToleratedFailedPercentage: p(100.5)},
		{ToleratedFailedPercentage: p(math.NaN())},
	} {
		q.FlowName, q.ExecutionName, q.MapRunName = "f", "x", "m"
		if _, err := s.UpdateMapRun(ctx, c, q); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("update %d: %v", i, err)
		}
	}
}
