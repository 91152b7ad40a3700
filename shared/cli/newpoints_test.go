package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// TestFlowDeleteAsks checks that a deletion is confirmed: on a terminal by an answer, in a script
// by --yes.
func TestFlowDeleteAsks(t *testing.T) {
	for _, c := range []struct {
		stdin    string
		terminal bool
		args     string
		code     int
		deleted  bool
	}{
		{"", false, "", 2, false}, {"y\n", false, "", 2, false}, {"", false, "--yes", 0, true},
		{"", true, "", 1, false}, {"n\n", true, "", 1, false}, {"\n", true, "", 1, false},
		{"y\n", true, "", 0, true}, {"YES\n", true, "", 0, true}, {"", true, "-y", 0, true},
	} {
		s := newShell(t, succeeding())
		s.stdin, s.interactive = c.stdin, c.terminal
		code, out, errs := s.run(strings.Fields("flow delete orders " + c.args)...)
		deleted := out == "flow orders deleted\n" && len(s.api.flows) == 0
		asked := strings.Contains(errs, "delete flow orders? 3 running executions end; the "+
			"history of all its executions is gone [y/N] ")
		if code != c.code || deleted != c.deleted || asked != (c.terminal && c.args == "") {
			t.Errorf("%+v: exit code %d\n%s%s", c, code, out, errs)
		}
	}
}

// TestQuiet checks the short answers of start and stop, and their names alone.
func TestQuiet(t *testing.T) {
	s := newShell(t, succeeding())
	for args, want := range map[string]string{
		"start orders -n n":                    "execution n of flow orders started\n",
		"start orders -q":                      "made-up\n",
		"stop orders n --error E --cause c":    "execution n of flow orders stopped\n",
		"stop orders n -q --error E --cause c": "n\n",
	} {
		code, out, errs := s.run(strings.Fields(args)...)
		if code != 0 || out != want || errs != "" {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

// TestOutputData checks that --output data holds no JSON in strings, keeps every digit, and changes
// nothing else.
func TestOutputData(t *testing.T) {
	s := newShell(t, succeeding())
	s.api.described = 10
	s.api.end.Input = `{"id":12345678901234567890,"Input":"{}"}`
	s.api.end.FlowDefinition = good
	_, out, _ := s.run("describe", "orders", "e", "-o", "data")
	var got struct {
		Name, Status   string
		Output         struct{ Paid bool }
		FlowDefinition *string
		Input          struct {
			ID    json.Number
			Input string
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || !got.Output.Paid ||
		got.Input.ID != "12345678901234567890" || got.Input.Input != "{}" || got.Name != "e" ||
		got.FlowDefinition != nil {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = s.run("history", "orders", "e", "-o", "data")
	var history struct {
		Events []struct{ EventDetail struct{ Error string } }
	}
	if err := json.Unmarshal([]byte(out), &history); err != nil ||
		history.Events[3].EventDetail.Error != "FC.Throttled" {
		t.Errorf("%v: %s", err, out)
	}
}

// mapped returns an API whose execution fails in the second item of a Map, at the second attempt.
func mapped() *fakeAPI {
	f := failing("Failed")
	limit := `{"cause":"limit","error":"CardDeclined"}`
	f.events = []cloudflow.Event{
		event(1, 0, "ExecutionStarted", "", "{}"),
		event(2, 1, "StateEntered", "All", "{}"),
		event(3, 2, "StateStarted", "All", "{}"),
		event(4, 3, "StateEntered", "Fetch", "{}"),
		event(5, 3, "StateEntered", "Fetch", "{}"),
		event(6, 5, "TaskScheduled", "Fetch", "{}"),
		event(7, 6, "TaskFailed", "Fetch", limit),
		event(8, 7, "TaskScheduled", "Fetch", "{}"),
		event(9, 8, "TaskFailed", "Fetch", limit),
		event(10, 9, "StateFailed", "Fetch", limit),
		event(11, 10, "StateFailed", "All", limit),
		event(12, 11, "ExecutionFailed", "", limit),
	}
	return f
}

// TestItems checks that history, --wait and describe say which item an event belongs to and which
// attempt, and that an error is not repeated by what it passes through.
func TestItems(t *testing.T) {
	s := newShell(t, mapped())
	_, _, errs := s.run("start", "orders", "--wait")
	for _, want := range []string{
		"    4.000s  Fetch[1]                  entered\n",
		"    6.000s  Fetch[1]                  attempt 1 failed: CardDeclined: limit\n",
		"    8.000s  Fetch[1]                  attempt 2 failed: CardDeclined: limit\n",
		"    9.000s  Fetch[1]                  failed\n",
		"   10.000s  All                       failed: CardDeclined: limit, 2 items\n",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
	s.expect(0, []string{"StateEntered        Fetch[0]  ", "TaskScheduled       Fetch[1]  ",
		"TaskFailed          Fetch[1] #2           {\"cause\"",
		"ExecutionFailed                           the error of event 9\n"}, nil,
		"history", "orders", "e")
	s.expect(0, []string{`ExecutionFailed                           {"cause"`}, nil, "history",
		"orders", "e", "--full")
	s.expect(0, []string{"Failed in:   Fetch[1], attempt 2\n"}, nil, "describe", "orders", "e")
}

// TestListShowsMore checks the error and the time of a list, and a list of all flows.
func TestListShowsMore(t *testing.T) {
	api := failing("Failed")
	api.described = 10
	api.flows = append(api.flows, cloudflow.Flow{Name: "quote"})
	api.listed = []cloudflow.Execution{
		{Name: "bad", Status: "Failed", StartedTime: began, StoppedTime: began + 1500},
		{Name: "now", Status: "Running", StartedTime: began + 10_000},
	}
	s := newShell(t, api)
	s.now = time.UnixMilli(began + 75_000)
	s.expect(0, []string{"NAME   STATUS    STARTED                TOOK     ERROR\n",
		"bad    Failed    2025-11-22 08:26:40Z   1.500s   CardDeclined: limit\n",
		"now    Running   2025-11-22 08:26:50Z   1m5s\n"}, nil, "list", "orders")
	code, out, errs := s.run("list")
	want := "FLOW     NAME   STATUS    STARTED                TOOK     ERROR\n" +
		"orders   now    Running   2025-11-22 08:26:50Z   1m5s\n" +
		"quote    now    Running   2025-11-22 08:26:50Z   1m5s\n" +
		"orders   bad    Failed    2025-11-22 08:26:40Z   1.500s   CardDeclined: limit\n" +
		"quote    bad    Failed    2025-11-22 08:26:40Z   1.500s   CardDeclined: limit\n"
	if code != 0 || out != want {
		t.Errorf("exit code %d, %s\n%s", code, errs, out)
	}
	s.expect(0, []string{"! bad"}, []string{"there are more than 2"}, "list", "--limit", "2")
}

// TestReportByState checks that a report finds the token of a waiting task in the history.
func TestReportByState(t *testing.T) {
	token := base64.StdEncoding.EncodeToString([]byte("v1#orders#e#7#bWFj"))
	s := newShell(t, running(
		event(1, 0, "ExecutionStarted", "", "{}"),
		event(2, 1, "StateEntered", "Ask", "{}"),
		event(3, 2, "StateStarted", "Ask", "{}"),
		event(4, 3, "TaskScheduled", "Ask",
			`{"input":{"Body":{"to":"boss","answer":"`+token+`"}}}`),
		event(5, 4, "TaskSubmitted", "Ask", "{}"),
		event(6, 1, "StateEntered", "Done", "{}"),
		event(7, 6, "TaskScheduled", "Done", `{"input":{"taskToken":"t"}}`),
		event(8, 7, "TaskSucceeded", "Done", "{}"),
		event(9, 1, "StateEntered", "Hidden", "{}"),
		event(10, 9, "TaskScheduled", "Hidden", "{}"),
	))
	s.api.described = 9 // all but the end of the execution
	s.expect(0, []string{"reported; event 7\n"}, nil, "report", "succeeded", "orders", "e", "Ask",
		"--result", `{"a":1}`)
	if got := s.api.requests[0]; got != "ReportTaskSucceeded {TaskToken:"+token+` Output:{"a":1}}` {
		t.Errorf("sent %s", got)
	}
	s.expect(1, nil, []string{"no task waits in state Done"}, "report", "succeeded", "orders", "e",
		"Done")
	s.expect(1, nil, []string{"does not show the token of state Hidden"}, "report", "failed",
		"orders", "e", "Hidden", "--error", "E")
}

// TestFlowApplyFiles checks the names of flows that are applied without one, and whole folders.
func TestFlowApplyFiles(t *testing.T) {
	project(t, "flows/a.yaml", strings.Replace(good, "version: v1", "version: v1\nname: named", 1),
		"flows/b.yml", good, "flows/x.yaml", "edition: 3.0.0\n", "flows/a.cases.yaml",
		"flow: a.yaml\n",
		"twice/a.yaml", express, "twice/b.yaml", express, "none/x.txt", "")
	s := newShell(t, succeeding())
	s.expect(0, []string{"flow quote created\n"}, nil, "flow", "apply", "twice/a.yaml")
	s.expect(0, []string{"flow b created\n"}, nil, "flow", "apply", "flows/b.yml")
	code, out, errs := s.run("flow", "apply", "flows")
	if code != 0 || out != "flow named created\nflow b unchanged\n" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	s.expect(2, nil, []string{"a.yaml and ", "b.yaml are both of flow quote"}, "flow", "apply",
		"twice")
	s.expect(2, nil, []string{"no definition found in none"}, "flow", "apply", "none")
	s.expect(2, nil, []string{"a NAME goes with one file"}, "flow", "apply", "a", "flows")
	s.stdin = good
	s.expect(2, nil, []string{"the definition of - has no name"}, "flow", "apply", "-")
	s.stdin = express
	s.expect(0, []string{"flow quote unchanged\n"}, nil, "flow", "apply", "-")
}
