package cli_test

import (
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// someFailures are executions of two flows that failed in three ways.
func someFailures() []cloudflow.Execution {
	failed := func(flowName, name, status, state, err, group string, at int64) cloudflow.Execution {
		return cloudflow.Execution{FlowName: flowName, Name: name, Status: status,
			FailedState: state, ErrorName: err, GroupKey: group, StartedTime: began,
			StoppedTime: began + at, MetadataOnly: true}
	}
	return []cloudflow.Execution{
		failed("orders", "o-1", "Failed", "Pay", "Declined", "aaaaaaaaaaaaaaaa", 1000),
		failed("orders", "o-2", "Failed", "Pay", "Declined", "bbbbbbbbbbbbbbbb", 9000),
		failed("orders", "o-3", "Failed", "Pay", "Declined", "aaaaaaaaaaaaaaaa", 3000),
		failed("quote", "q-1", "TimedOut", "Ask", "FnF.ExecutionTimedOut", "cccccccccccccccc", 5000),
	}
}

// TestFailures: executions are grouped, the group that failed last first.
func TestFailures(t *testing.T) {
	s := newShell(t, succeeding())
	s.api.found = someFailures()
	_, out, errs := s.run("failures")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, want := range []string{"FLOW", "orders Pay Declined 1", "quote Ask FnF.ExecutionTimedOut 1",
		"orders Pay Declined 2"} {
		if i >= len(lines) || !strings.HasPrefix(strings.Join(strings.Fields(lines[i]), " "), want) {
			t.Fatalf("%s%s", out, errs)
		}
	}
	if !strings.Contains(lines[3], "o-3") || !strings.Contains(lines[3], "aaaaaaaaaaaaaaaa") {
		t.Errorf("the last line is %s", lines[3])
	}
	s.expect(0, []string{"Declined", "3", "! Pay", "! quote"}, nil, "failures", "orders",
		"--group-by", "error")
	s.expect(0, []string{`"Count": 2`, `"Example": "o-3"`}, nil, "failures", "-o", "json")
	s.expect(2, nil, []string{`--group-by cannot be "flow"`}, "failures", "--group-by", "flow")
	s.api.found, s.api.listed = nil, []cloudflow.Execution{} // a server without lists of all flows
	s.expect(0, []string{"GROUP", "! orders"}, nil, "failures", "--since", "7d")
}

// TestListFilters: the filters are sent, and the list of all flows is one request.
func TestListFilters(t *testing.T) {
	s := newShell(t, succeeding())
	s.api.found = someFailures()
	s.expect(0, []string{"orders", "quote", "q-1"}, nil, "list")
	lists := 0
	for _, r := range s.api.requests {
		if strings.HasPrefix(r, "ListExecutions") {
			lists++
		}
	}
	if lists != 1 {
		t.Errorf("sent %q", s.api.requests)
	}
	s.expect(2, nil, []string{"--search is KEY=VALUE"}, "list", "--search", "order")
	s.expect(0, nil, nil, "list", "orders", "--search", "order=A-*", "--error", "E", "--state", "S",
		"--source", "schedule", "--group", "aaaaaaaaaaaaaaaa")
}

// TestSearchKeys: paths are named by their last member, or by what stands before them.
func TestSearchKeys(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"orderId", "$Input.orderId", "customer", `$Input["a b"][0]`}, nil, "flow",
		"search-keys", "orders", "$Input.orderId", `customer=$Input["a b"][0]`)
	s.expect(0, []string{"orderId"}, nil, "flow", "search-keys", "orders")
	s.expect(0, []string{"KEY", "! orderId"}, nil, "flow", "search-keys", "orders", "--clear")
	s.expect(2, nil, []string{`the path "orderId" is wrong`}, "flow", "search-keys", "orders",
		"orderId")
	s.expect(2, nil, []string{"needs a name: KEY=$Input[0]"}, "flow", "search-keys", "orders",
		"$Input[0]")
}

// TestWhy: it goes on to the child that has the error, and shows what that was given.
func TestWhy(t *testing.T) {
	s := newShell(t, failing("Failed"))
	s.api.described = 10
	s.api.events[2].Detail = `{"input":{"input":{"id":8},"resourceArn":"acs:fnf:::flow/payments/live"}}`
	child := func(name, err string, at int64) cloudflow.Execution {
		return cloudflow.Execution{FlowName: "payments", Name: name, Status: "Failed",
			Source: "execution:orders/e", ErrorName: err, StartedTime: began, StoppedTime: began + at}
	}
	s.api.found = []cloudflow.Execution{child("other", "Other", 3), child("p-1", "FC.Throttled", 1),
		child("p-2", "FC.Throttled", 2)}
	s.expect(0, []string{"orders/e: Failed\n  failed in:   Charge, attempt 1\n  error:       " +
		"FC.Throttled\n  cause:       busy\nbecause of payments/p-2: Failed\n", `"id": 8`}, nil, "why",
		"orders", "e")
	s.expect(0, []string{`"ExecutionName": "p-2"`, "! other"}, nil, "why", "orders", "e", "-o", "json")
	s.expect(5, nil, []string{"ExecutionNotExists"}, "why", "orders", "none")
	s = newShell(t, succeeding())
	s.api.described = 10
	s.expect(0, []string{"execution e of flow orders has not failed: it is Succeeded"}, nil, "why",
		"orders", "e")
}
