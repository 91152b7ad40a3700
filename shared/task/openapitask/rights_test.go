package openapitask_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"millrace/shared/access"
	"millrace/shared/glob"
	"millrace/shared/task"
	"millrace/shared/task/openapitask"
)

// TestFlowsOfTheCloudAskRights: what a flow does with flows of CloudFlow's own is bound by its rights, by whatever action it
// comes there and however its parameters are written; no request is sent for what is denied.
func TestFlowsOfTheCloudAskRights(t *testing.T) {
	s := &api{status: 200, answer: `{"FlowName":"f","Name":"x","RequestId":"r"}`}
	of := service(t, s)
	next := task.RunnerFunc(func(context.Context, task.Request) task.Result { return task.Result{Output: json.RawMessage(`"next"`)} })
	start := &openapitask.CloudFlow{Service: of, Match: []string{"*:flow/mine*", "*:flow/secret*"}, Next: next}
	every := &openapitask.Any{Service: of, Products: map[string]openapitask.Product{
		"flows": {Version: "2019-03-15", Host: "{region}.fnf.aliyuncs.com"}}}
	var asked []string
	own := func(action, resource string) bool {
		asked = append(asked, action+" "+resource)
		return strings.HasPrefix(action, "fnf:") && glob.Match("acs:fnf:*:123:flow/mine*", resource)
	}
	state := func(action, parameters string) task.Request {
		return task.Request{Action: action, Key: "k", Author: "limited", Parameters: json.RawMessage(parameters)}
	}
	step := func(action, resource, parameters string) task.Request {
		r := state(action, parameters)
		r.Legacy, r.Resource = true, resource
		return r
	}
	type test struct {
		run   task.Runner
		r     task.Request
		asked string // "" for what policies do not speak of
		ok    bool
	}
	for _, c := range []test{
		{start, state("FNF:StartExecution", `{"resourceArn":"acs:fnf:::flow/mine-1","executionName":"x"}`), "fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/mine-1", true},
		{start, state("FNF:StartExecution", `{"resourceArn":"acs:fnf:::flow/secret","executionName":"x"}`), "fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false},
		{start, state("FNF:StartExecution", `{"resourceArn":"acs:fnf:cn-beijing:123:flow/secret"}`), "fnf:StartExecution acs:fnf:cn-beijing:123:flow/secret", false},
		// Names are exact: nothing of the cloud's is named.
		{start, state("FNF:StartExecution", `{"ResourceARN":"acs:fnf:cn-beijing:123:flow/secret"}`), "", true},
		{start, step("FNF:StartExecution", "acs:fnf:::flow/secret", ""), "fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false},
		{start, step("fnf:StartExecution", "", `{"FlowName":"secret"}`), "fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false},
		{start, step("fnf:StartExecution", "", `{"FlowName":"mine"}`), "fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/mine", true},
		{start, step("fnf:StartExecution", "", `{"FlowName":"here"}`), "", true},
		{every, state("fnf:DescribeFlow", `{"Name":"mine"}`), "fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/mine", true},
		{every, state("FNF::DescribeFlow", `{"Name":"secret"}`), "fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/secret", false},
		{every, state("FnF:CreateFlow", `{"name":"secret","Definition":"d"}`), "fnf:CreateFlow acs:fnf:cn-hangzhou:123:flow/secret", false},
		{every, state("fnf:DescribeFlow", `{"FlowName":"mine","Name":"secret"}`), "fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/secret", false},
		{every, state("fnf:StopExecution", `{"FlowName":"secret","ExecutionName":"x","RegionId":"cn-beijing"}`), "fnf:StopExecution acs:fnf:cn-beijing:123:flow/secret", false},
		{every, state("fnf:ListFlows", `{}`), "fnf:ListFlows *", false},
		{every, state("fnf:ListFlows", `{"Name":""}`), "fnf:ListFlows *", false},
		{every, state("fnf:NotYetKnown", `{"FlowName":["mine"]}`), `fnf:NotYetKnown acs:fnf:cn-hangzhou:123:flow/["mine"]`, false},
		{every, step("fnf:DeleteFlow", "", `{"Name":"secret"}`), "fnf:DeleteFlow acs:fnf:cn-hangzhou:123:flow/secret", false},
		{every, state("flows:DeleteFlow", `{"Name":"secret"}`), "fnf:DeleteFlow acs:fnf:cn-hangzhou:123:flow/secret", false},
		{every, state("ECS:DescribeInstances", `{"Name":"secret"}`), "", true},
	} {
		what := c.r.Action + " " + c.r.Resource + string(c.r.Parameters)
		for _, may := range []access.May{own, nil} {
			asked, s.calls = nil, 0
			c.r.May = may
			got := c.run.Run(t.Context(), c.r)
			if may != nil && (c.asked == "") != (asked == nil) || may != nil && c.asked != "" && !slices.Contains(asked, c.asked) {
				t.Errorf("%s: asked %v, want %s", what, asked, c.asked)
			}
			if may == nil || c.ok {
				if got.Error != nil {
					t.Errorf("%s: %v", what, got.Error)
				}
				continue
			}
			product := c.r.Product()
			if c.r.Legacy {
				product = "fnf"
			}
			if got.Error == nil || got.Error.Name != product+".AccessDenied" || s.calls != 0 ||
				!strings.Contains(got.Error.Cause, "key limited, whose policies do not allow fnf:") {
				t.Errorf("%s: %d requests, %v", what, s.calls, got.Error)
			}
		}
	}
}
