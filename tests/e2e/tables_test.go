package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/cron"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// refused is the expected result of a definition that cannot be created.
const refused = "refused"

// tables is a server that runs each row of a table as a flow of its own.
type tables struct{ client *client.Client }

func openTables(t *testing.T) *tables {
	t.Helper()
	a, err := local.Open(context.Background(),
		local.Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	api, err := client.New(client.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &tables{api}
}

// run creates flow f and runs it. It returns member r of the output, or the name of the error.
func (s *tables) run(t *testing.T, definition, input any, execution string) (r any, failed string) {
	t.Helper()
	ctx := context.Background()
	_, err := s.client.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: "f",
		Definition: text(t, definition)})
	if fault.CodeOf(err) == fault.InvalidArgument {
		return nil, refused
	} else if err != nil {
		t.Fatal(err)
	}
	defer s.client.DeleteFlow(ctx, "f")
	if _, err := s.client.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "f",
		ExecutionName: execution, Input: text(t, input)}); err != nil {
		t.Fatal(err)
	}
	x, err := s.client.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{FlowName: "f",
		ExecutionName: execution, WaitTimeSeconds: new(int64(60))})
	if err != nil {
		t.Fatal(err)
	}
	if x.Status == "Succeeded" {
		output, _ := decode(t, x.Output).(map[string]any)
		return output["r"], ""
	}
	h, err := s.client.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{FlowName: "f",
		ExecutionName: execution})
	if err != nil {
		t.Fatal(err)
	}
	last, _ := decode(t, h.Events[len(h.Events)-1].EventDetail).(map[string]any)
	failed, _ = last["error"].(string)
	return nil, failed
}

type object = map[string]any

// TestExpressionTable evaluates the table of expressions on a live server. An invalid text is
// rejected at creation; any other error fails the state.
func TestExpressionTable(t *testing.T) {
	var table struct {
		Roots map[string]json.RawMessage
		Cases []struct {
			Expr, Error string
			Value       json.RawMessage
		}
	}
	read(t, "statemachine/table-expressions.json", &table)
	rows(t, len(table.Cases), 60)
	s := openTables(t)
	for _, c := range table.Cases {
		states := []any{
			object{"Name": "G", "Type": "Pass", "OutputConstructor": table.Roots["$Input"],
				"GlobalConstructor": table.Roots["$Global"], "Next": "S"},
			object{"Name": "S", "Type": "Pass", "InputConstructor": object{"r.$": c.Expr},
				"End": true},
		}
		got, failed := s.run(t, object{"Type": "StateMachine", "SpecVersion": "v1", "Name": "f",
			"StartAt": "G", "States": states}, object{"x": 5}, "run-1")
		switch {
		case c.Error != "" && failed != c.Error && failed != refused:
			t.Errorf("%s: want %s, got %v %s", c.Expr, c.Error, got, failed)
		case c.Error == "" && (failed != "" || !value.Equal(got, decode(t, string(c.Value)))):
			t.Errorf("%s: want %s, got %v %s", c.Expr, c.Value, got, failed)
		}
	}
}

// TestConditionTable does the same with the conditions of FlowV1.
func TestConditionTable(t *testing.T) {
	var table struct {
		Input      any
		Conditions []struct {
			Expr   string
			Result bool
		}
		Invalid []string
	}
	read(t, "flowv1/table-conditions.yaml", &table)
	rows(t, len(table.Conditions), 50)
	rows(t, len(table.Invalid), 5)
	s := openTables(t)
	run := func(condition string) (any, string) {
		return s.run(t, flowV1(
			object{"type": "choice", "name": "c",
				"choices": []any{object{"condition": condition, "goto": "yes"}}},
			object{"type": "pass", "name": "no",
				"outputMappings": []any{object{"target": "r", "source": false}}, "end": true},
			object{"type": "pass", "name": "yes",
				"outputMappings": []any{object{"target": "r", "source": true}}},
		), table.Input, "run1")
	}
	for _, c := range table.Conditions {
		if got, failed := run(c.Expr); failed != "" || got != c.Result {
			t.Errorf("%s: want %v, got %v %s", c.Expr, c.Result, got, failed)
		}
	}
	for _, condition := range table.Invalid {
		if got, failed := run(condition); failed != refused {
			t.Errorf("%q: want a refusal, got %v %s", condition, got, failed)
		}
	}
}

// TestSourceTable does the same with the mapping sources of FlowV1.
func TestSourceTable(t *testing.T) {
	var table struct {
		Input, Local any
		Sources      []struct{ Source, Result any }
	}
	read(t, "flowv1/table-sources.yaml", &table)
	rows(t, len(table.Sources), 25)
	local, _ := table.Local.(object)
	var mappings []any
	for name, v := range local {
		mappings = append(mappings, object{"target": name, "source": v})
	}
	s := openTables(t)
	for _, c := range table.Sources {
		got, failed := s.run(t, flowV1(
			object{"type": "pass", "name": "l", "outputMappings": mappings},
			object{"type": "pass", "name": "p",
				"inputMappings":  []any{object{"target": "r", "source": c.Source}},
				"outputMappings": []any{object{"target": "r", "source": "$input.r"}}},
		), table.Input, "run1")
		if want := decode(t, text(t, c.Result)); failed != "" || !value.Equal(got, want) {
			t.Errorf("%v: want %v, got %v %s", c.Source, want, got, failed)
		}
	}
}

// TestInvalidDefinitions sends definitions that must be rejected to a live server.
func TestInvalidDefinitions(t *testing.T) {
	var table struct {
		Cases []struct {
			Name, ExecutionMode string
			Definition          json.RawMessage
		}
	}
	read(t, "statemachine/table-invalid-definitions.json", &table)
	rows(t, len(table.Cases), 25)
	s, ctx := openTables(t), context.Background()
	for _, c := range table.Cases {
		_, err := s.client.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: "f",
			Definition: string(c.Definition), ExecutionMode: c.ExecutionMode})
		if fault.CodeOf(err) != fault.InvalidArgument ||
			!strings.Contains(err.Error(), "Definition is invalid: ") {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if flows, err := s.client.ListFlows(ctx, cloudflow.ListFlowsRequest{}); err != nil ||
		len(flows.Flows) > 0 {
		t.Errorf("%v %v", flows, err)
	}
}

// TestScheduleTable creates a schedule with each expression of the table. The next planned times
// are those of the table.
func TestScheduleTable(t *testing.T) {
	var table struct {
		From  time.Time
		Valid []struct {
			Expr string
			Next []time.Time
		}
		Invalid []struct{ Expr string }
	}
	read(t, "flowv1/table-schedules.yaml", &table)
	rows(t, len(table.Valid), 8)
	rows(t, len(table.Invalid), 6)
	s, ctx := openTables(t), context.Background()
	if _, err := s.client.CreateFlow(ctx, cloudflow.CreateFlowRequest{Name: "f",
		Definition: text(t, flowV1(object{"type": "pass", "name": "p"}))}); err != nil {
		t.Fatal(err)
	}
	for i, c := range table.Valid {
		if _, err := s.client.CreateSchedule(ctx, cloudflow.CreateScheduleRequest{FlowName: "f",
			ScheduleName: fmt.Sprint("s", i), CronExpression: c.Expr}); err != nil {
			t.Errorf("%s: %v", c.Expr, err)
			continue
		}
		e, err := cron.Parse(c.Expr)
		if err != nil {
			t.Fatal(err)
		}
		at := table.From
		for _, want := range c.Next {
			if at = e.Next(at, table.From); !at.Equal(want) {
				t.Errorf("%s: %v, want %v", c.Expr, at, want)
			}
		}
	}
	for _, c := range table.Invalid {
		_, err := s.client.CreateSchedule(ctx, cloudflow.CreateScheduleRequest{FlowName: "f",
			ScheduleName: "s", CronExpression: c.Expr})
		if fault.CodeOf(err) != fault.InvalidArgument ||
			!strings.Contains(err.Error(), "CronExpression is invalid: ") {
			t.Errorf("%s: %v", c.Expr, err)
		}
	}
}

func flowV1(steps ...any) any {
	return object{"version": "v1", "type": "flow", "steps": steps}
}

// read fills table from a file of the examples, in YAML or JSON.
func read(t *testing.T, name string, table any) {
	t.Helper()
	data, err := os.ReadFile("../../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".json") {
		err = json.Unmarshal(data, table)
	} else {
		err = yaml.Unmarshal(data, table)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rows fails the test if a table has fewer rows than expected, because then it was not parsed
// right.
func rows(t *testing.T, n, fewest int) {
	t.Helper()
	if n < fewest {
		t.Fatalf("the table has %d rows", n)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
