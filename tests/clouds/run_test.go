package clouds_test

import (
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// TestFlows runs executions without faults, on functions compiled as they are deployed: time is not
// skipped.
func TestFlows(t *testing.T) {
	t.Parallel()
	onEachTarget(t, func(t *testing.T, h target) (options, *service) {
		v := serve(t)
		return options{apis: 8, env: []string{v.env(), "MILLRACE_SYNC_SECONDS=2",
			"MILLRACE_STARTS=" + h.rules,
			"MILLRACE_SETTINGS={AllowLoopback: true, AllowPrivate: true}"}}, v
	}, func(t *testing.T, s *stack, v *service) {
		t.Run("tests", func(t *testing.T) {
			for name, test := range map[string]func(t *testing.T, s *stack, v *service){
				"StartExecution": func(t *testing.T, s *stack, _ *service) {
					testStartExecution(t, s)
				},
				"StartRace": func(t *testing.T, s *stack, _ *service) { testStartRace(t, s) },
				"StartSync": func(t *testing.T, s *stack, _ *service) { testStartSync(t, s) },
				"EventStarts": func(t *testing.T, s *stack, _ *service) {
					testEventStarts(t, s)
				},
				"Tasks":         testTasks,
				"LargePayloads": testLargePayloads,
				"Callbacks":     testCallbacks,
				"Waits":         testWaits,
				"Schedules":     testSchedules,
				"Versions":      testVersions,
				"Loopback":      testLoopbackStaysClosed,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, s.on(t), v)
				})
			}
		})
		if n := s.deadLetters(); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

func testTasks(t *testing.T, s *stack, v *service) {
	s.Define("row", row("row", 5))
	s.Define("wide",
		"- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  MaxConcurrency: 20\n  Processor:\n"+
			"    StartAt: B\n    States:\n    - {Name: B, Type: Wait, Seconds: 1, Next: C}\n"+
			"    - {Name: C, "+strings.Replace(call("wide", ""), "$Input.n", "$Input.k",
			1)+", End: true}\n  End: true\n")
	s.Start("row", "one", `{"n":0}`)
	s.Succeeded("row", "one", `{"n":5}`)
	if distinct, all := v.called("row"); distinct != 5 || all != 5 {
		t.Errorf("%d calls, %d different ones", all, distinct)
	}
	items := strings.Repeat(`{"k":1},`, 39) + `{"k":1}`
	s.Start("wide", "one", `{"items":[`+items+`]}`)
	if x := s.Wait("wide", "one", 3*time.Minute); x.Status != "Succeeded" {
		t.Errorf("%+v: %v", x.Status, s.History("wide", "one"))
	}
	if distinct, all := v.called("wide"); distinct != 40 || all != 40 {
		t.Errorf("%d calls, %d different ones", all, distinct)
	}
}

// testLargePayloads starts an execution with more data than fits into a row, whose open branches
// hold more, too: the response of each branch is 50 KB, and ten of them are stored until the last
// one has come.
func testLargePayloads(t *testing.T, s *stack, v *service) {
	branch := "  - StartAt: B\n    States:\n    - {Name: B, " + call("large", ", fill: 50000") +
		", Next: C}\n    - {Name: C, Type: Wait, Seconds: 1, Next: D}\n    - {Name: D, " +
		call("large", "") + ", End: true, InputConstructor: {n.$: $Input.Body.n}}\n"
	s.Define("large", "- Name: A\n  Type: Parallel\n  Branches:\n"+strings.Repeat(branch,
		10)+"  OutputConstructor: {first.$: $Output.Branch0.Body.n, last.$: "+
		"$Output.Branch9.Body.n}\n  End: true\n")
	s.Start("large", "one", `{"n":1,"text":"`+strings.Repeat("large ", 10000)+`"}`)
	s.Succeeded("large", "one", `{"first":3,"last":3}`)
	if distinct, _ := v.called("large"); distinct != 20 {
		t.Errorf("%d different calls", distinct)
	}
}

// testCallbacks runs a flow that starts another one and waits for it; that one waits for a report
// by token.
func testCallbacks(t *testing.T, s *stack, v *service) {
	s.Define("ask",
		"- {Name: A, "+call("ask",
			", token.$: $Context.Current.TaskToken")+", TaskMode: WaitForCustomCallback, End: "+
			"true}\n")
	s.Define("parent",
		"- {Name: A, Type: Task, Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback, "+
			"Parameters: {resourceArn: 'acs:fnf:::flow/ask', input: {n: 1}}, End: true}\n")
	s.Start("parent", "p", `{}`)
	token := <-v.tokens
	id, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{
		TaskToken: token, Output: `{"answer":42}`})
	if err != nil || id == 0 {
		t.Fatal(id, err)
	}
	if _, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{
		TaskToken: token, Output: `{"answer":43}`}); codeOf(err) != "TaskAlreadyCompleted" {
		t.Errorf("a second report: %v", err)
	}
	x := s.Wait("parent", "p", 3*time.Minute)
	if x.Status != "Succeeded" || !strings.Contains(x.Output, `42`) {
		t.Errorf("%s %s", x.Status, x.Output)
	}
}

// testWaits runs short waits, by delayed hints of the queue.
func testWaits(t *testing.T, s *stack, _ *service) {
	s.Define("wait",
		"- {Name: A, Type: Wait, Seconds: 2, Next: B}\n"+
			"- {Name: B, Type: Wait, Seconds: 1, End: true}\n")
	for _, name := range []string{"w1", "w2", "w3"} {
		s.Start("wait", name, `{"a":1}`)
	}
	for _, name := range []string{"w1", "w2", "w3"} {
		s.Succeeded("wait", name, `{"a":1}`)
	}
}

// testLoopbackStaysClosed checks that no setting lets a flow call the machine of its step runner,
// where the runtime API is.
func testLoopbackStaysClosed(t *testing.T, s *stack, v *service) {
	s.Define("inward",
		"- {Name: A, Type: Task, Action: 'HTTP:Request', Parameters: {method: Get, url: '"+v.URL+
			"'}, End: true}\n")
	s.Start("inward", "one", "{}")
	if x := s.Wait("inward", "one", 3*time.Minute); x.Status != "Failed" {
		t.Errorf("it ended as %s", x.Status)
	}
	if _, all := v.called(""); all != 0 {
		t.Errorf("%d calls", all)
	}
}
