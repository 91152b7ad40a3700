package linear_test

import (
	"testing"
	"time"

	"millrace/shared/fault"
	"millrace/tests/reference/linear"
)

// TestJudge checks histories that fit an order, and others that do not.
func TestJudge(t *testing.T) {
	type r = linear.Request
	start := func(call, answer int64) *r {
		return &r{Operation: linear.Start, Call: call, Return: answer, Status: "Running"}
	}
	stop := func(call, answer int64, who string, code fault.Code) *r {
		return &r{Operation: linear.Stop, Client: who, Call: call, Return: answer, Code: code}
	}
	see := func(call, answer int64, status, by string) *r {
		return &r{Operation: linear.Describe, Call: call, Return: answer, Status: status, By: by}
	}
	missing := func(call, answer int64) *r {
		return &r{Operation: linear.Describe, Call: call, Return: answer,
			Code: fault.ExecutionNotExists}
	}
	report := func(call, answer int64, who, ends string, code fault.Code) *r {
		return &r{Operation: linear.Report, Client: who, Ends: ends, Call: call, Return: answer,
			Code: code}
	}
	remove := func(call, answer int64, code fault.Code) *r {
		return &r{Operation: linear.Delete, Call: call, Return: answer, Code: code}
	}
	again := func(call, answer int64) *r {
		return &r{Operation: linear.Start, Call: call, Return: answer,
			Code: fault.ExecutionAlreadyExists}
	}
	const over = fault.ExecutionAlreadyCompleted
	for name, c := range map[string]struct {
		history []*r
		good    bool
	}{
		"started and seen": {[]*r{start(1, 2), see(3, 4, "Running", "")}, true},
		"gone again":       {[]*r{start(1, 2), missing(3, 4)}, false},
		"not yet":          {[]*r{start(1, 4), missing(2, 3)}, true},
		"never answered, seen later": {
			[]*r{start(1, 0), missing(2, 3), see(4, 5, "Running", "")}, true},
		"never sent, seen": {
			[]*r{start(0, 0), start(9, 10), see(2, 3, "Running", "")}, false},
		"seen, then not there": {[]*r{start(1, 0), see(2, 3, "Running", ""),
			missing(4, 5)}, false},
		"two stops": {
			[]*r{start(1, 2), stop(3, 6, "a", ""), stop(4, 5, "b", "")}, false},
		"one stop of two": {
			[]*r{start(1, 2), stop(3, 6, "a", ""), stop(4, 5, "b", over)}, true},
		"a stop that nobody was told of": {
			[]*r{start(1, 2), stop(3, 0, "a", ""), stop(6, 7, "b", over),
				see(8, 9, "Stopped", "a")}, true},
		"the stop of another": {
			[]*r{start(1, 2), stop(3, 4, "a", ""), see(8, 9, "Stopped", "b")}, false},
		"a stop undone": {
			[]*r{start(1, 2), stop(3, 4, "a", ""), see(5, 6, "Running", "")}, false},
		"started over an end": {[]*r{start(1, 2), stop(3, 4, "a", ""), start(5, 6)},
			false},
		"ended by itself": {[]*r{start(1, 2), see(3, 4, "Succeeded", ""),
			see(5, 6, "Succeeded", "")}, true},
		"two ends": {[]*r{start(1, 2), see(3, 4, "Succeeded", ""),
			see(5, 6, "Failed", "")}, false},
		"two reports": {[]*r{start(1, 2), report(3, 6, "a", "Succeeded", ""),
			report(4, 5, "b", "Failed", "")}, false},
		"one report of two": {[]*r{start(1, 2), report(3, 6, "a", "Succeeded", ""),
			report(4, 5, "b", "Failed", fault.TaskAlreadyCompleted)}, true},
		"refused for no reason": {
			[]*r{start(1, 2), report(3, 4, "a", "Succeeded", fault.TaskAlreadyCompleted)}, false},
		"refused because of an unknown": {[]*r{start(1, 2), report(3, 0, "a", "Failed", ""),
			report(5, 6, "b", "Succeeded", fault.TaskAlreadyCompleted), see(7, 8, "Failed", "a")},
			true},
		"an accepted report lost": {[]*r{start(1, 2), report(3, 4, "a", "Succeeded", ""),
			see(5, 6, "Failed", "")}, false},
		"an accepted report, by another": {[]*r{start(1, 2), report(3, 4, "a", "Succeeded", ""),
			see(5, 6, "Succeeded", "b")}, false},
		"ended without a report": {
			[]*r{start(1, 2), report(9, 10, "a", "Succeeded", fault.TaskAlreadyCompleted),
				see(3, 4, "Succeeded", "")}, false},
		"deleted": {[]*r{start(1, 2), see(3, 4, "Succeeded", ""), remove(5, 6, ""),
			missing(7, 8), again(9, 10), remove(11, 12, fault.ExecutionNotExists)}, true},
		"deleted while it runs": {[]*r{start(1, 2), remove(3, 4, ""), see(5, 6, "Running", "")},
			false},
		"deleted and seen": {[]*r{start(1, 2), remove(3, 4, ""), see(5, 6, "Succeeded", "")},
			false},
		"deleted and started": {[]*r{start(1, 2), remove(3, 4, ""), start(5, 6)}, false},
		"not to be deleted, and has ended": {[]*r{start(1, 2), see(3, 4, "Succeeded", ""),
			remove(5, 6, fault.ExecutionNotCompleted)}, false},
		"deleted by a request that nobody was told of": {[]*r{start(1, 2),
			see(3, 4, "Failed", ""), remove(5, 0, ""), missing(6, 7), missing(8, 9)}, true},
		"stopped after an accepted report": {[]*r{start(1, 2), report(3, 4, "a", "Succeeded", ""),
			stop(5, 6, "b", ""), see(7, 8, "Stopped", "b")}, true},
	} {
		v := linear.Check(c.history, 20, time.Second)
		if good := v.Violation == ""; good != c.good || v.Undecided > 0 {
			t.Errorf("%s: good is %v, want %v\n%s", name, good, c.good, v.Violation)
		}
	}
}
