package clients_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// user is one client that works in its own account.
type user struct {
	client
	kind kind
}

// each runs a test with every client, in parallel.
func each(t *testing.T, test func(t *testing.T, u user)) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, user{k.open(t, owner(k)), k})
		})
	}
}

// as returns the same client with another login.
func (u user) as(t *testing.T, l login) user {
	t.Helper()
	return user{u.kind.open(t, l), u.kind}
}

// ask runs an operation that must succeed.
func ask[A any](t *testing.T, u user, operation string, in params) A {
	t.Helper()
	out, _ := askBody[A](t, u, operation, in)
	return out
}

// askBody is ask, and returns the fields of the body too.
func askBody[A any](t *testing.T, u user, operation string, in params) (A,
	map[string]json.RawMessage) {
	t.Helper()
	var out A
	body, err := u.call(operation, in, &out)
	if err != nil {
		t.Fatalf("%s %v: %v", operation, in, err)
	}
	return out, body
}

// refused runs an operation that must fail with a typed error, and returns the message.
func refused(t *testing.T, u user, operation string, in params, status int, code string) string {
	t.Helper()
	body, err := u.call(operation, in, nil)
	if err == nil {
		t.Fatalf("%s %v was not refused: %v", operation, in, keys(body))
	}
	var r *fault
	if !errors.As(err, &r) {
		t.Fatalf("%s %v: %v", operation, in, err)
	}
	if r.status != status || r.code != code {
		t.Fatalf("%s %v: %v, not %d %s", operation, in, r, status, code)
	}
	if r.message == "" || r.requestID == "" {
		t.Errorf("%s %v: message %q, request id %q", operation, in, r.message, r.requestID)
	}
	return r.message
}

// mentions checks the message of an error.
func mentions(t *testing.T, message, text string) {
	t.Helper()
	if !strings.Contains(message, text) {
		t.Errorf("message is %q, without %q", message, text)
	}
}

// create creates a flow from a definition with {Flow} in it.
func create(t *testing.T, u user, name, text string) flowResponse {
	t.Helper()
	return createWith(t, u, params{"Name": name, "Definition": definition(text, name),
		"Description": "", "Type": "FDL"})
}

// createWith creates a flow. The flow is deleted with the test, so that the tests can run again.
func createWith(t *testing.T, u user, in params) flowResponse {
	t.Helper()
	made := ask[flowResponse](t, u, "CreateFlow", in)
	t.Cleanup(func() {
		var r *fault
		if _, err := u.call("DeleteFlow", params{"Name": in["Name"]}, nil); err != nil &&
			!(errors.As(err, &r) && r.code == "FlowNotExists") {
			t.Errorf("DeleteFlow %v: %v", in["Name"], err)
		}
	})
	return made
}

// begin starts a named execution.
func begin(t *testing.T, u user, flow, name, input string) execution {
	t.Helper()
	return ask[execution](t, u, "StartExecution", params{"FlowName": flow, "ExecutionName": name,
		"Input": input})
}

// end long-polls until an execution has ended.
func end(t *testing.T, u user, flow, name, status string) execution {
	t.Helper()
	x := ask[execution](t, u, "DescribeExecution", params{"FlowName": flow, "ExecutionName": name,
		"WaitTimeSeconds": 60})
	if x.Status != status {
		all := events(t, u, flow, name)
		t.Fatalf("%s/%s is %s, not %s; its %d. event is %+v", flow, name, x.Status, status,
			len(all), all[len(all)-1])
	}
	if x.StoppedTime == "" || (x.Output == "") != (status != "Succeeded") {
		t.Errorf("%s/%s: %s with StoppedTime %q and Output %q", flow, name, status, x.StoppedTime,
			x.Output)
	}
	return x
}

// events returns the whole history of an execution.
func events(t *testing.T, u user, flow, name string) []event {
	t.Helper()
	return ask[history](t, u, "GetExecutionHistory", params{"FlowName": flow, "ExecutionName": name,
		"Limit": 1000}).Events
}

// failure returns the last event of an ended execution: its type, error and cause.
func failure(t *testing.T, u user, flow, name string) (kind, errorName, cause string) {
	t.Helper()
	all := events(t, u, flow, name)
	last := all[len(all)-1]
	var d struct{ Error, Cause string }
	if err := json.Unmarshal([]byte(last.EventDetail), &d); err != nil {
		t.Fatalf("%+v: %v", last, err)
	}
	return last.Type, d.Error, d.Cause
}

// check compares two values.
func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// eachLanguage runs a test for each dialect as a subtest, in parallel.
func eachLanguage(t *testing.T, test func(t *testing.T, u user, l language)) {
	each(t, func(t *testing.T, u user) {
		for _, l := range languages {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				test(t, u, l)
			})
		}
	})
}
