package openapitask_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/openapitask"
)

func TestCloudFlow(t *testing.T) {
	s := &api{status: 200, response: `{"FlowName":"f","Name":"x","RequestId":"r"}`}
	next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"next"`)}
	})
	c := &openapitask.CloudFlow{
		Service: service(t, s), Match: []string{"acs:fnf:cn-beijing:*", "*:flow/cloud-*"},
		Next: next,
	}
	start := func(parameters string) task.Request {
		return task.Request{
			Action: openapitask.ActionStartExecution, Key: "k",
			Parameters: json.RawMessage(parameters),
		}
	}
	got := c.Run(t.Context(),
		start(`{"resourceArn":"acs:fnf:::flow/cloud-f","executionName":"x","input":{"n":1}}`))
	if got.Error != nil ||
		string(got.Output) != `{"ExecutionName":"x","FlowName":"cloud-f","RequestID":"r"}` {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	if want := (url.Values{"FlowName": {"cloud-f"}, "ExecutionName": {"x"},
		"Input": {`{"n":1}`}}); s.values.Encode() != want.Encode() ||
		s.header.Get("X-Acs-Version") != "2019-03-15" {
		t.Errorf("%v", s.values)
	}
	for _, here := range []string{
		`{"resourceArn":"acs:fnf:::flow/f"}`, `{"resourceArn":"acs:fnf:cn-hangzhou::flow/f"}`, `{}`,
		`7`, `{"resourceArn":"acs:fnf:cn-beijing::other"}`,
	} {
		if got := c.Run(t.Context(), start(here)); string(got.Output) != `"next"` {
			t.Errorf("%s: %s %v", here, got.Output, got.Error)
		}
	}
	flowV1 := task.Request{
		Action: "FNF:StartExecution", Dialect: flow.FlowV1, Resource: "acs:fnf:cn-beijing:123:flow/f",
		Input: json.RawMessage(`{"in":1}`), Key: "k",
	}
	got = c.Run(t.Context(), flowV1)
	if got.Error != nil || s.values.Get("Input") != `{"in":1}` ||
		!strings.Contains(string(got.Output), `"Name":"m-`) {
		t.Errorf("%s %v %v", got.Output, got.Error, s.values)
	}
	first := s.values.Get("ExecutionName")
	s.status, s.response = 400, `{"Code":"ExecutionAlreadyExists","Message":"m"}`
	if got = c.Run(t.Context(), flowV1); got.Error != nil ||
		s.values.Get("ExecutionName") != first {
		t.Errorf("an earlier call of the same attempt has started it: %s %v", got.Output, got.Error)
	}
	flowV1.Parameters = json.RawMessage(`{"ExecutionName":"mine"}`)
	if got = c.Run(t.Context(), flowV1); got.Error == nil ||
		got.Error.Name != "FnF.ExecutionAlreadyExists" {
		t.Errorf("%v", got.Error)
	}
	action := task.Request{
		Action: "fnf:StartExecution", Dialect: flow.FlowV1,
		Parameters: json.RawMessage(`{"FlowName":"cloud-f","ExecutionName":"mine","Input":"{}"}`),
	}
	if got = c.Run(t.Context(), action); got.Error == nil ||
		got.Error.Name != "fnf.ExecutionAlreadyExists" {
		t.Errorf("%v", got.Error)
	}
	before := s.calls
	system := start(`{"resourceArn":"acs:fnf:cn-beijing::flow/f"}`)
	system.Mode = flow.WaitForSystemCallback
	for _, q := range []task.Request{
		system, start(`{"resourceArn":"acs:fnf:cn-beijing:9:flow/f"}`),
		start(`{"resourceArn":"acs:fnf:evil.example::flow/cloud-f"}`),
	} {
		if got := c.Run(t.Context(), q); got.Error == nil ||
			got.Error.Name != "FNF.InvalidArgument" || s.calls != before {
			t.Errorf("%s: %v", q.Parameters, got.Error)
		}
	}
}
