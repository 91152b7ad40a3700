package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
	"millrace/tests/reference/historycheck"
)

func (l *load) history(x id) ([]client.Event, error) {
	var events []client.Event
	limit := int64(1000)
	q := cloudflow.GetExecutionHistoryRequest{FlowName: x.flow, ExecutionName: x.name,
		Limit: &limit}
	for {
		page, err := l.client.GetExecutionHistory(context.Background(), q)
		if err != nil {
			return nil, err
		}
		events = append(events, page.Events...)
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return events, nil
		}
	}
}

// check compares what the server shows at the end with what it told its clients before.
func (l *load) check(t *testing.T, machines map[string]*flow.Machine) {
	accepted := map[string]map[int64]string{} // execution: event: reporter
	for _, r := range l.reports {
		if r.by != "" {
			if accepted[r.name] == nil {
				accepted[r.name] = map[int64]string{}
			}
			accepted[r.name][r.event] = r.by
		}
	}
	lost := 0
	for x, k := range l.started {
		events, err := l.history(x)
		if err != nil {
			t.Errorf("history of %v: %v", x, err)
			continue
		}
		for _, line := range historycheck.Check(machines[x.flow],
			eventsOf(t, machines[x.flow], events)) {
			t.Errorf("%v: %s", x, line)
		}
		l.judge(t, x, events)
		l.ending(t, x, k, events)
		scheduled, given := 0, 0
		for _, e := range events {
			if e.Type == "TaskScheduled" {
				scheduled++
			}
			if strings.HasPrefix(e.Type, "Task") &&
				strings.Contains(e.EventDetail, leaseLostCause) {
				given++
			}
			if by, ok := accepted[x.name][e.EventID]; ok && (e.Type != "TaskSucceeded" ||
				!strings.Contains(e.EventDetail, `"by":"`+by+`"`)) {
				t.Errorf("%v: the report of %s was accepted as event %d, which is %s %s", x, by,
					e.EventID, e.Type, e.EventDetail)
			}
		}
		if n := len(accepted[x.name]); n > 0 && events[len(events)-1].EventID < 3 {
			t.Errorf("%v: %d reports accepted, and hardly a history", x, n)
		}
		if n := l.tasks.attempts(x.name); n > scheduled {
			t.Errorf("%v: %d idempotency keys of %d attempts", x, n, scheduled)
		}
		if n := l.tasks.attempts(x.name); x.flow == "race" && n < scheduled-given {
			t.Errorf("%v: %d idempotency keys of %d attempts, of which %d may never have got out",
				x, n, scheduled, given)
		}
		if lost += given; x.flow == "parent" && given == 0 {
			l.child(t, x, k)
		}
	}
	if lost*20 > len(l.started) {
		t.Errorf("%d calls of %d executions were given up", lost, len(l.started))
	}
	l.rejections(t)
	l.listed(t)
}

// leaseLostCause is the cause of a task whose call died with its process five times.
const leaseLostCause = "the call was lost with its caller several times"

// child checks that a parent's child ran once and succeeded.
func (l *load) child(t *testing.T, x id, k *observed) {
	wait := int64(0)
	got, err := l.client.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{
		FlowName: "child", ExecutionName: "c-" + x.name, WaitTimeSeconds: &wait})
	if err != nil || got.Status != "Succeeded" || got.Output != fmt.Sprintf(`{"n":%d}`, k.n) {
		t.Errorf("the child of %v: %+v, %v", x, got, err)
	}
}

// ending checks status, output and last event.
func (l *load) ending(t *testing.T, x id, k *observed, events []client.Event) {
	last := events[len(events)-1]
	if last.Type != "Execution"+k.status {
		t.Errorf("%v is %s and its last event %s %s", x, k.status, last.Type, last.EventDetail)
	}
	if x.flow == "stop" {
		// A report may come before the stop, but the other branch waits longer than any client.
		stopped := false
		for by := range k.unsure {
			stopped = stopped || strings.Contains(last.EventDetail, by)
		}
		if k.status != "Stopped" || k.stopped != "" && !strings.Contains(last.EventDetail,
			`"error":"`+k.stopped+`"`) || k.stopped == "" && !stopped {
			t.Errorf("%v: %s %s; the stop of %q was accepted, %v are unsure", x, k.status,
				last.EventDetail, k.stopped, k.unsure)
		}
		return
	}
	if k.status == "Failed" && strings.Contains(last.EventDetail, leaseLostCause) {
		return // on a slow machine five lives of the server may be too short for it
	}
	if k.status != "Succeeded" {
		t.Errorf("%v: %s %s", x, k.status, last.EventDetail)
		return
	}
	var out struct {
		N     int
		By    string
		One   bool
		Two   bool
		Then  bool
		Items []any
		Text  string
	}
	if err := json.Unmarshal([]byte(k.output), &out); err != nil {
		t.Errorf("%v: %v", x, err)
	}
	good := out.N == k.n
	switch x.flow {
	case "seq":
		good = good && out.One && out.Two
	case "ask":
		good = good && l.mayHaveReported(x, out.By)
	case "fan":
		good = good && out.Then && len(out.Items) == 4 &&
			strings.Contains(k.output, `"items":[{"item":1},{"item":2},{"item":3},{"item":4}]`)
	case "large":
		good = good && len(out.Text) == largeBytes
	case "old":
		good = good && len(out.Items) == 4 && l.mayHaveReported(x, out.By)
	}
	if !good {
		t.Errorf("%v: output %s", x, k.output)
	}
}

// mayHaveReported reports whether a task's output may come from a reporter: its report was
// accepted, or it never learned the result.
func (l *load) mayHaveReported(x id, by string) bool {
	for _, r := range l.reports {
		if r.name == x.name && (r.by == by || r.unsure[by]) {
			return true
		}
	}
	return false
}

// rejections checks that a rejected report has changed nothing: the execution shows no trace of its
// reporter, unless a report of the same reporter with another token, or one with an unknown result,
// could have left it.
func (l *load) rejections(t *testing.T) {
	could := map[string]bool{}
	for _, r := range l.reports {
		if r.by != "" {
			could[r.name+r.by] = true
		}
		for by := range r.unsure {
			could[r.name+by] = true
		}
	}
	for _, r := range l.reports {
		for by := range r.rejected {
			if could[r.name+by] {
				continue
			}
			for x := range l.started {
				if x.name != r.name {
					continue
				}
				events, _ := l.history(x)
				for _, e := range events {
					if strings.Contains(e.EventDetail, `"by":"`+by+`"`) {
						t.Errorf("%v: the report of %s was refused and stands in event %d", x,
							by, e.EventID)
					}
				}
			}
		}
	}
}

// listed checks that the list contains every execution, with its status.
func (l *load) listed(t *testing.T) {
	seen := map[id]string{}
	yes, limit := true, int64(100)
	for _, name := range []string{"seq", "ask", "parent", "fan", "old", "stop", "race", "large"} {
		q := cloudflow.ListExecutionsRequest{FlowName: name, Limit: &limit, MetadataOnly: &yes}
		for {
			page, err := l.client.ListExecutions(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Executions {
				seen[id{name, x.Name}] = x.Status
			}
			if q.NextToken = page.NextToken; q.NextToken == "" {
				break
			}
		}
	}
	for x, k := range l.started {
		if seen[x] != k.status {
			t.Errorf("%v is %s and listed as %q", x, k.status, seen[x])
		}
	}
	if len(seen) != len(l.started) {
		t.Errorf("%d executions are listed, %d were started", len(seen), len(l.started))
	}
}

// eventsOf converts the API's events to history events.
func eventsOf(t *testing.T, m *flow.Machine, events []client.Event) []flow.HistoryEvent {
	types := map[string]flow.EventType{}
	for typ := flow.ExecutionStarted; typ <= flow.StateAborted; typ++ {
		types[typ.String()] = typ
	}
	nodes := map[string]int{"": -1}
	for _, s := range m.Nodes {
		nodes[s.Name] = s.Node
	}
	var out []flow.HistoryEvent
	for _, e := range events {
		at, err := time.Parse(time.RFC3339, string(e.Time))
		tree, derr := value.Decode([]byte(e.EventDetail))
		d, ok := tree.(map[string]any)
		if err != nil || derr != nil || !ok {
			t.Fatalf("event %+v: %v %v", e, err, derr)
		}
		h := flow.HistoryEvent{ID: e.EventID, Schedule: e.ScheduleEventID, Type: types[e.Type],
			Node: nodes[e.StepName], Time: at.UnixMilli()}
		for name, to := range map[string]**flow.Value{"input": &h.Input, "local": &h.Local,
			"output": &h.Output} {
			if v, ok := d[name]; ok {
				*to = flow.NewValue(v)
			}
		}
		if name, ok := d["error"].(string); ok {
			cause, _ := d["cause"].(string)
			h.Error = &flow.Error{Name: name, Cause: cause}
		}
		out = append(out, h)
	}
	return out
}
