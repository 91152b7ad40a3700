package subflowtask_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/subflowtask"
)

// service records its calls and returns err, or fixed names.
type service struct {
	child flow.Child
	call  []string
	err   error
}

func (s *service) StartChild(
	_ context.Context, _ subflowtask.Caller, c flow.Child,
) (subflowtask.Started, error) {
	s.child = c
	name := c.ExecutionName
	if name == "" {
		name = "derived"
	}
	return subflowtask.Started{FlowName: c.FlowName, ExecutionName: name, RequestID: "req-1"}, s.err
}

func (s *service) answer(call ...string) (json.RawMessage, error) {
	s.call = call
	return json.RawMessage(`{"RequestId":"r"}`), s.err
}

func (s *service) DescribeExecution(
	_ context.Context, by subflowtask.Caller, flow, execution string,
) (json.RawMessage, error) {
	return s.answer("describe", by.Account, flow, execution)
}

func (s *service) StopExecution(
	_ context.Context, by subflowtask.Caller, flow, execution, name, cause string,
) (json.RawMessage, error) {
	return s.answer("stop", by.Account, flow, execution, name, cause)
}

func (s *service) ReportTaskSucceeded(
	_ context.Context, by subflowtask.Caller, token, output string,
) (json.RawMessage, error) {
	return s.answer("succeeded", by.Account, token, output)
}

func (s *service) ReportTaskFailed(
	_ context.Context, by subflowtask.Caller, token, name, cause string,
) (json.RawMessage, error) {
	return s.answer("failed", by.Account, token, name, cause)
}

const region, account = "cn-hangzhou", "1234567890123456"

func newRequest() task.Request {
	return task.Request{
		Region: region, Account: account, Action: "FNF:StartExecution", Token: "tok", Key: "key",
		Flow: "parents", Execution: "p-1",
	}
}

func TestStart(t *testing.T) {
	tests := []struct {
		name   string
		edit   func(*task.Request)
		want   flow.Child
		output string
	}{
		{"StateMachine", func(r *task.Request) {
			r.Parameters = json.RawMessage(
				`{"resourceArn":"acs:fnf:::flow/child-flow","executionName":"c-1","input":{"a":1}}`,
			)
		}, flow.Child{FlowName: "child-flow", ExecutionName: "c-1",
			Input: json.RawMessage(`{"a":1}`)},
			`{"ExecutionName":"c-1","FlowName":"child-flow","RequestID":"req-1"}`},
		{"StateMachine, in full and waiting", func(r *task.Request) {
			r.Mode = flow.WaitForSystemCallback
			r.Parameters = json.RawMessage(
				`{"resourceArn":"acs:fnf:cn-hangzhou:1234567890123456:flow/f","input":null}`,
			)
		}, flow.Child{FlowName: "f", Input: json.RawMessage(`{}`), CallbackToken: "tok"},
			`{"ExecutionName":"derived","FlowName":"f","RequestID":"req-1"}`},
		{"FlowV1, no serviceParams", func(r *task.Request) {
			r.Dialect, r.Resource, r.Input = flow.FlowV1, "acs:fnf:::flow/f", json.RawMessage(`{"x":2}`)
		}, flow.Child{FlowName: "f", Input: json.RawMessage(`{"x":2}`)},
			`{"ExecutionName":"derived","FlowName":"f","Name":"derived","RequestId":"req-1"}`},
		{"FlowV1 with serviceParams", func(r *task.Request) {
			r.Dialect, r.Resource, r.Mode, r.Input = flow.FlowV1, "acs:fnf:::flow/f",
				flow.WaitForSystemCallback,
				json.RawMessage(`{"x":2}`)
			r.Parameters = json.RawMessage(`{"Input":{"y":3},"ExecutionName":"c-1"}`)
		}, flow.Child{FlowName: "f", ExecutionName: "c-1", Input: json.RawMessage(`{"y":3}`),
			CallbackToken: "tok"},
			`{"ExecutionName":"c-1","FlowName":"f","Name":"c-1","RequestId":"req-1"}`},
		{"FlowV1 action, input as text", func(r *task.Request) {
			r.Dialect, r.Action, r.Input = flow.FlowV1, "fnf:StartExecution", json.RawMessage(`{"x":2}`)
			r.Parameters = json.RawMessage(
				`{"FlowName":"f","ExecutionName":7,"Input":"{\"y\": 3}"}`,
			)
		}, flow.Child{FlowName: "f", ExecutionName: "7", Input: json.RawMessage(`{"y": 3}`)},
			`{"ExecutionName":"7","FlowName":"f","Name":"7","RequestId":"req-1"}`},
	}
	for _, test := range tests {
		r, s := newRequest(), &service{}
		test.edit(&r)
		got := subflowtask.New(s, nil).Run(context.Background(), r)
		test.want.Account, test.want.Key, test.want.Parent = account, "key", "parents/p-1"
		if got.Error != nil || got.Async || string(got.Output) != test.output {
			t.Errorf("%s: %s, %v, async %v", test.name, got.Output, got.Error, got.Async)
		}
		if !reflect.DeepEqual(s.child, test.want) {
			t.Errorf("%s: started %+v, want %+v", test.name, s.child, test.want)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	tests := []struct {
		resource, input string
		flowV1          bool
		want            string
	}{
		{"", "", false, "FNF.MissingRequiredParams"},
		{"flow/f", "", false, "FNF.InvalidArgument"},
		{"acs:fc:::flow/f", "", false, "FNF.InvalidArgument"},
		{"acs:fnf:::flow/", "", false, "FNF.InvalidArgument"},
		{"acs:fnf:cn-beijing::flow/f", "", false, "FNF.InvalidArgument"},
		{"acs:fnf::999:flow/f", "", false, "FNF.AccessDenied"},
		{"acs:fnf::999:flow/f", "", true, "fnf.AccessDenied"},
		{"acs:fnf:::flow/f", "[1]", false, "FNF.InvalidArgument"},
		{"acs:fnf:::flow/f", `"{}"`, false, "FNF.InvalidArgument"},
		{"acs:fnf:::flow/f", `"nonsense"`, true, "fnf.InvalidArgument"},
	}
	for _, test := range tests {
		r := newRequest()
		r.Dialect = dialect(test.flowV1)
		if r.Dialect == flow.FlowV1 {
			r.Resource = test.resource
		}
		r.Parameters = json.RawMessage(`{"resourceArn":"` + test.resource + `"}`)
		if test.input != "" {
			r.Parameters = json.RawMessage(`{"resourceArn":"` + test.resource + `","input":` +
				test.input + `}`)
		}
		got := subflowtask.New(&service{}, nil).Run(context.Background(), r)
		if got.Error == nil || got.Error.Name != test.want {
			t.Errorf("%q %s: %v, want %s", test.resource, test.input, got.Error, test.want)
		}
	}
}

type coded struct{}

func (coded) Error() string     { return "taken" }
func (coded) FaultCode() string { return "ExecutionAlreadyExists" }

func TestFaults(t *testing.T) {
	exists := fault.New(fault.ExecutionAlreadyExists, "it exists")
	tests := []struct {
		name   string
		flowV1 bool
		action string
		arn    string
		err    error
		want   string
	}{
		{"newer", false, "FNF:StartExecution", "", exists, "FNF.ExecutionAlreadyExists"},
		{
			"another error type", false, "FNF:StartExecution", "", coded{},
			"FNF.ExecutionAlreadyExists",
		},
		{
			"older, resource", true, "FNF:StartExecution", "acs:fnf:::flow/f", exists,
			"FnF.ExecutionAlreadyExists",
		},
		{"older, action", true, "fnf:StartExecution", "", exists, "fnf.ExecutionAlreadyExists"},
		{
			"older, throttled", true, "FNF:StartExecution", "acs:fnf:::flow/f",
			fault.New(fault.ResourceThrottled, ""), "fnf.ResourceThrottled",
		},
		{
			"unknown", false, "FNF:StartExecution", "", errors.New("password=1"),
			"FNF.InternalServerError",
		},
		{"cut off", false, "FNF:StartExecution", "", context.Canceled, "FNF.InternalServerError"},
	}
	for _, test := range tests {
		r := newRequest()
		r.Dialect, r.Action, r.Resource = dialect(test.flowV1), test.action, test.arn
		r.Parameters = json.RawMessage(`{"resourceArn":"acs:fnf:::flow/f","FlowName":"f"}`)
		got := subflowtask.New(&service{err: test.err}, nil).Run(context.Background(), r)
		if got.Error == nil || got.Error.Name != test.want ||
			strings.Contains(got.Error.Cause, "password") {
			t.Errorf("%s: %v, want %s", test.name, got.Error, test.want)
		}
	}
}

func TestOperations(t *testing.T) {
	tests := []struct {
		action, parameters string
		want               []string
		fault              string
	}{
		{
			"fnf:DescribeExecution", `{"FlowName":"f","ExecutionName":"e"}`,
			[]string{"describe", account, "f", "e"}, "",
		},
		{
			"fnf:StopExecution", `{"FlowName":"f","ExecutionName":"e","Error":"E"}`,
			[]string{"stop", account, "f", "e", "E", ""}, "",
		},
		{
			"fnf:ReportTaskSucceeded", `{"TaskToken":"t","Output":{"a":1}}`,
			[]string{"succeeded", account, "t", `{"a":1}`}, "",
		},
		{
			"fnf:ReportTaskSucceeded", `{"TaskToken":"t","Output":"{\"a\": 1}"}`,
			[]string{"succeeded", account, "t", `{"a": 1}`}, "",
		},
		{
			"fnf:ReportTaskFailed", `{"TaskToken":"t","Error":"E","Cause":"c"}`,
			[]string{"failed", account, "t", "E", "c"}, "",
		},
		{"fnf:ReportTaskFailed", `{"TaskToken":"t"}`, nil, "fnf.MissingRequiredParams"},
		{"fnf:StopExecution", `[]`, nil, "fnf.InvalidArgument"},
		{"fnf:StopExecution", ``, nil, "fnf.MissingRequiredParams"},
		{"fnf:ListFlows", `{}`, nil, "fnf.UnsupportedOperation"},
	}
	for _, test := range tests {
		s := &service{}
		r := newRequest()
		r.Dialect, r.Action, r.Parameters = flow.FlowV1, test.action, json.RawMessage(test.parameters)
		runner := subflowtask.New(s, s)
		runners := map[string]task.Runner{}
		for _, action := range runner.Actions() {
			runners[action] = runner
		}
		got := task.NewTable(runners, nil).Run(context.Background(), r)
		name := ""
		if got.Error != nil {
			name = got.Error.Name
		}
		if name != test.fault || !reflect.DeepEqual(s.call, test.want) {
			t.Errorf("%s %s: %v, called %q", test.action, test.parameters, got.Error, s.call)
		}
	}
	r := newRequest()
	r.Action = "FNF:StopExecution"
	if got := subflowtask.New(&service{}, &service{}).Run(context.Background(),
		r); got.Error == nil || got.Error.Name != "FNF.ActionNotSupported" {
		t.Errorf("the newer language: %v", got)
	}
}

func FuzzStart(f *testing.F) {
	f.Add(`{"resourceArn":"acs:fnf:::flow/f","input":{"a":1}}`, false)
	f.Add(`{"FlowName":"f","Input":"{}"}`, true)
	f.Fuzz(func(t *testing.T, parameters string, flowV1 bool) {
		r := newRequest()
		r.Dialect, r.Parameters = dialect(flowV1), json.RawMessage(parameters)
		s := &service{}
		got := subflowtask.New(s, s).Run(context.Background(), r)
		if got.Error == nil && (s.child.FlowName == "" || !json.Valid(s.child.Input)) {
			t.Fatalf("started %+v", s.child)
		}
	})
}

// dialect returns FlowV1 or StateMachine.
func dialect(flowV1 bool) flow.Dialect {
	if flowV1 {
		return flow.FlowV1
	}
	return flow.StateMachine
}
