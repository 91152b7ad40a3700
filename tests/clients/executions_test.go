package clients_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// TestExecutionLife makes a start, the same start again, a wait that returns before the end, a
// stop, and requests after the stop.
func TestExecutionLife(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "execution-" + l.name
		create(t, u, name, l.ask)
		id := u.kind.name + name
		input := fmt.Sprintf(`{ "id": %q,  "n": 1.50 }`, id)
		one := params{"FlowName": name, "ExecutionName": "one"}
		refused(t, u, "DescribeExecution", one, 404, "ExecutionNotExists")

		x := begin(t, u, name, "one", input)
		check(t, "Name", x.Name, "one")
		check(t, "FlowName", x.FlowName, name)
		check(t, "Input", x.Input, input)
		check(t, "Status", x.Status, "Running")
		check(t, "FlowDefinition", x.FlowDefinition, definition(l.ask, name))
		check(t, "Output and StoppedTime", x.Output+x.StoppedTime, "")
		if !moment.MatchString(x.StartedTime) {
			t.Errorf("StartedTime %q", x.StartedTime)
		}
		tasks.token(t, id)

		again := begin(t, u, name, "one", `{"id":"another"}`)
		check(t, "Input of the same start", again.Input, input)
		check(t, "StartedTime of the same start", again.StartedTime, x.StartedTime)
		check(t, "Status of the same start", again.Status, "Running")

		waited := ask[execution](t, u, "DescribeExecution",
			params{"FlowName": name, "ExecutionName": "one", "WaitTimeSeconds": 1})
		check(t, "Status after a wait", waited.Status, "Running")

		stopped := ask[execution](t, u, "StopExecution",
			params{"FlowName": name, "ExecutionName": "one", "Error": "Enough",
				"Cause": "够了 + done"})
		check(t, "Status", stopped.Status, "Stopped")
		x = end(t, u, name, "one", "Stopped")
		check(t, "StoppedTime", x.StoppedTime, stopped.StoppedTime)
		kind, errorName, cause := failure(t, u, name, "one")
		check(t, "last event", strings.Join([]string{kind, errorName, cause}, " "),
			"ExecutionStopped Enough 够了 + done")

		mentions(t, refused(t, u, "StopExecution", one, 400, "ExecutionAlreadyCompleted"), "'one'")
		message := refused(t, u, "StartExecution", params{"FlowName": name, "ExecutionName": "one",
			"Input": input}, 400, "ExecutionAlreadyExists")
		check(t, "message", message, fmt.Sprintf("Execution 'one' for flow '%s' already exists.",
			name))
		two := params{"FlowName": name, "ExecutionName": "two"}
		refused(t, u, "StopExecution", two, 404, "ExecutionNotExists")
		refused(t, u, "GetExecutionHistory", two, 404, "ExecutionNotExists")
	})
}

// TestGeneratedName leaves the name and the input to the server.
func TestGeneratedName(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "unnamed", flowV1.pass)
		names := map[string]bool{}
		for range 3 {
			x := ask[execution](t, u, "StartExecution", params{"FlowName": "unnamed"})
			if !uuid.MatchString(x.Name) || names[x.Name] {
				t.Errorf("generated name %q, after %v", x.Name, names)
			}
			names[x.Name] = true
			x = end(t, u, "unnamed", x.Name, "Succeeded")
			check(t, "Input", x.Input, "")
			check(t, "Output", x.Output, "{}")
		}
	})
}

// TestLongPoll: a long poll returns as soon as the execution has ended.
func TestLongPoll(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "poll-" + l.name
		create(t, u, name, l.ask)
		id := u.kind.name + name
		begin(t, u, name, "one", fmt.Sprintf(`{"id":%q}`, id))
		token := tasks.token(t, id)
		responses := make(chan execution, 1)
		go func() {
			var x execution
			if _, err := u.call("DescribeExecution",
				params{"FlowName": name, "ExecutionName": "one", "WaitTimeSeconds": 60},
				&x); err != nil {
				t.Error(err)
			}
			responses <- x
		}()
		ask[reported](t, u.as(t, owner(u.kind)), "ReportTaskSucceeded",
			params{"TaskToken": token, "Output": `{"done":true}`})
		x := <-responses
		check(t, "Status", x.Status, "Succeeded")
		check(t, "Output", x.Output, `{"done":true}`)
	})
}

// TestListExecutions pages through executions, newest first, and filters them.
func TestListExecutions(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "listed", flowV1.ask)
		_, body := askBody[executionPage](t, u, "ListExecutions", params{"FlowName": "listed"})
		check(t, "Executions of a new flow", string(body["Executions"]), "[]")

		id := func(name string) string { return u.kind.name + "-listed-" + name }
		names := []string{"a-1", "a-2", "a-3", "b-1", "b-2"}
		times := map[string]string{}
		for _, name := range names {
			times[name] = begin(t, u, "listed", name,
				fmt.Sprintf(`{"id":%q}`, id(name))).StartedTime
		}
		ask[reported](t, u, "ReportTaskSucceeded", params{"TaskToken": tasks.token(t, id("a-2")),
			"Output": "{}"})
		end(t, u, "listed", "a-2", "Succeeded")
		ask[reported](t, u, "ReportTaskFailed", params{"TaskToken": tasks.token(t, id("b-1")),
			"Error": "No"})
		end(t, u, "listed", "b-1", "Failed")
		ask[execution](t, u, "StopExecution", params{"FlowName": "listed", "ExecutionName": "b-2"})

		// newest first, the name breaks ties the same way
		slices.SortFunc(names, func(a, b string) int {
			return strings.Compare(times[b]+b, times[a]+a)
		})
		kept := func(keep func(name string) bool) (out []string) {
			for _, name := range names {
				if keep(name) {
					out = append(out, name)
				}
			}
			return out
		}
		is := func(want ...string) func(string) bool {
			return func(name string) bool { return slices.Contains(want, name) }
		}
		for _, c := range []struct {
			filter params
			keep   func(name string) bool
		}{
			{params{}, func(string) bool { return true }},
			{params{"Status": "Running"}, is("a-1", "a-3")},
			{params{"Status": "Succeeded"}, is("a-2")},
			{params{"Status": "Failed"}, is("b-1")},
			{params{"Status": "Stopped"}, is("b-2")},
			{params{"Status": "TimedOut"}, is()},
			{params{"ExecutionNamePrefix": "a-"}, is("a-1", "a-2", "a-3")},
			{params{"ExecutionNamePrefix": "a-", "Status": "Running"}, is("a-1", "a-3")},
			{params{"StartedTimeBegin": times["a-3"]}, func(n string) bool {
				return times[n] >= times["a-3"]
			}},
			{params{"StartedTimeEnd": times["a-3"]}, func(n string) bool {
				return times[n] < times["a-3"]
			}},
			{params{"StartedTimeBegin": times["a-2"], "StartedTimeEnd": times["b-1"],
				"Status": "Running"},
				func(n string) bool {
					return is("a-1", "a-3")(n) && times[n] >= times["a-2"] &&
						times[n] < times["b-1"]
				}},
		} {
			var got []string
			for _, x := range listExecutions(t, u, "listed", c.filter) {
				got = append(got, x.Name)
				check(t, "StartedTime", x.StartedTime, times[x.Name])
				check(t, "FlowDefinition", x.FlowDefinition, flowV1.ask)
				check(t, "Input", x.Input, fmt.Sprintf(`{"id":%q}`, id(x.Name)))
			}
			check(t, fmt.Sprint(c.filter), fmt.Sprint(got), fmt.Sprint(kept(c.keep)))
		}
		for _, x := range listExecutions(t, u, "listed", params{"MetadataOnly": true}) {
			check(t, "metadata of "+x.Name, x.FlowDefinition+x.Input+x.Output, "")
		}
		refused(t, u, "ListExecutions", params{"FlowName": "listed", "Status": "Done"}, 400,
			"InvalidArgument")
		refused(t, u, "ListExecutions", params{"FlowName": "listed", "Limit": 0}, 400,
			"InvalidArgument")
		refused(t, u, "ListExecutions", params{"FlowName": "listed", "NextToken": "made up"}, 400,
			"InvalidArgument")
		refused(t, u, "ListExecutions",
			params{"FlowName": "listed", "StartedTimeBegin": "yesterday"}, 400, "InvalidArgument")
	})
}

// listExecutions reads all pages of a listing, two executions per page.
func listExecutions(t *testing.T, u user, flow string, filter params) (all []execution) {
	t.Helper()
	for token := ""; ; {
		in := params{"FlowName": flow, "Limit": 2}
		for name, v := range filter {
			in[name] = v
		}
		if token != "" {
			in["NextToken"] = token
		}
		page := ask[executionPage](t, u, "ListExecutions", in)
		if len(page.Executions) > 2 {
			t.Fatalf("%d executions on a page of 2", len(page.Executions))
		}
		all = append(all, page.Executions...)
		if token = page.NextToken; token == "" {
			return all
		}
		if len(all) > 100 {
			t.Fatal("the listing does not end")
		}
	}
}

// TestHistory reads a history in pages.
func TestHistory(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "history-" + l.name
		create(t, u, name, l.pass)
		begin(t, u, name, "one", `{"k":"v"}`)
		end(t, u, name, "one", "Succeeded")
		var all []event
		pages := 0
		for token := ""; ; pages++ {
			in := params{"FlowName": name, "ExecutionName": "one", "Limit": 3}
			if token != "" {
				in["NextToken"] = token
			}
			page := ask[history](t, u, "GetExecutionHistory", in)
			all = append(all, page.Events...)
			if token = page.NextToken; token == "" {
				break
			}
		}
		if want := (len(all) + 2) / 3; pages+1 != want {
			t.Errorf("%d events on %d pages of 3", len(all), pages+1)
		}
		for i, e := range all {
			check(t, "EventId", e.EventId, int64(i+1))
			if !moment.MatchString(e.Time) || !json.Valid([]byte(e.EventDetail)) ||
				e.ScheduleEventId >= e.EventId {
				t.Errorf("event %+v", e)
			}
		}
		check(t, "EventDetail of the first event", all[0].EventDetail, `{"input":{"k":"v"}}`)
		var types []string
		for _, e := range all {
			types = append(types, strings.TrimSpace(e.Type+" "+e.StepName))
		}
		step := map[string]string{
			"flowV1":       "StepEntered %[1]s, StepStarted %[1]s, StepSucceeded %[1]s, StepExited %[1]s, ",
			"stateMachine": "StateEntered %[1]s, StateStarted %[1]s, StateSucceeded %[1]s, ",
		}[l.name]
		want := "ExecutionStarted, " + fmt.Sprintf(step, "first") + fmt.Sprintf(step, "second") +
			"ExecutionSucceeded"
		check(t, "events", strings.Join(types, ", "), want)
	})
}

// TestStartRace starts one name on many connections at once. There is one execution, and every
// response shows it.
func TestStartRace(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "race", stateMachine.ask)
		const racers = 12
		var wg sync.WaitGroup
		responses := make([]execution, racers)
		for i := range racers {
			racer := u.as(t, owner(u.kind))
			wg.Go(func() {
				in := params{"FlowName": "race", "ExecutionName": "one",
					"Input": fmt.Sprintf(`{"id":"%s-race-%d"}`, u.kind.name, i)}
				if _, err := racer.call("StartExecution", in, &responses[i]); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, x := range responses {
			check(t, "Input", x.Input, responses[0].Input)
			check(t, "StartedTime", x.StartedTime, responses[0].StartedTime)
		}
		check(t, "executions", len(listExecutions(t, u, "race", nil)), 1)
	})
}

// TestFailedTask: the history has the error of a function, with its name and cause.
func TestFailedTask(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "broken-" + l.name
		create(t, u, name, l.broken)
		begin(t, u, name, "one", `{"error":"Boom","cause":"坏了: \"quoted\" + more"}`)
		end(t, u, name, "one", "Failed")
		kind, errorName, cause := failure(t, u, name, "one")
		check(t, "last event", kind+" "+errorName, "ExecutionFailed Boom")
		check(t, "cause", cause, `坏了: "quoted" + more`)
	})
}
