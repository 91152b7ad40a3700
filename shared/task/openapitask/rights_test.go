package openapitask_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/task"
	"millrace/shared/task/openapitask"
	"millrace/shared/task/reserved"
)

// TestFlowsOfTheCloudAskRights: a flow needs rights for what it does with flows of CloudFlow
// itself, in any action and any spelling of the parameters. No request is sent if it is denied.
func TestFlowsOfTheCloudAskRights(t *testing.T) {
	s := &api{status: 200, response: `{"FlowName":"f","Name":"x","RequestId":"r"}`}
	of := service(t, s)
	next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"next"`)}
	})
	start := &openapitask.CloudFlow{
		Service: of, Match: []string{"*:flow/mine*", "*:flow/secret*"}, Next: next,
	}
	every := &openapitask.AnyProduct{Service: of, CloudFlow: []string{"*"},
		Products: map[string]openapitask.Product{
			"flows": {Version: "2019-03-15", Host: "{region}.fnf.aliyuncs.com"}}}
	var operation []string
	granted := func(action, resource string) bool {
		operation = append(operation, action+" "+resource)
		return strings.HasPrefix(action, "fnf:") && glob.Match("acs:fnf:*:123:flow/mine*", resource)
	}
	state := func(action, parameters string) task.Request {
		return task.Request{
			Action: action, Account: "123", Key: "k", Author: "limited",
			Parameters: json.RawMessage(parameters),
		}
	}
	step := func(action, resource, parameters string) task.Request {
		r := state(action, parameters)
		r.Dialect, r.Resource = flow.FlowV1, resource
		return r
	}
	type test struct {
		run       task.Runner
		r         task.Request
		operation string // "" if policies do not cover the operation
		ok        bool
	}
	for _, c := range []test{
		{
			start,
			state("FNF:StartExecution",
				`{"resourceArn":"acs:fnf:::flow/mine-1","executionName":"x"}`),
			"fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/mine-1", true,
		},
		{
			start,
			state("FNF:StartExecution",
				`{"resourceArn":"acs:fnf:::flow/secret","executionName":"x"}`),
			"fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			start,
			state("FNF:StartExecution", `{"resourceArn":"acs:fnf:cn-beijing:123:flow/secret"}`),
			"fnf:StartExecution acs:fnf:cn-beijing:123:flow/secret", false,
		},
		// Names are case-sensitive: this one names no flow of the cloud.
		{
			start,
			state("FNF:StartExecution", `{"ResourceARN":"acs:fnf:cn-beijing:123:flow/secret"}`), "",
			true,
		},
		{
			start, step("FNF:StartExecution", "acs:fnf:::flow/secret", ""),
			"fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			start, step("fnf:StartExecution", "", `{"FlowName":"secret"}`),
			"fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			start, step("fnf:StartExecution", "", `{"FlowName":"mine"}`),
			"fnf:StartExecution acs:fnf:cn-hangzhou:123:flow/mine", true,
		},
		{start, step("fnf:StartExecution", "", `{"FlowName":"here"}`), "", true},
		{
			every, state("fnf:DescribeFlow", `{"Name":"mine"}`),
			"fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/mine", true,
		},
		{
			every, state("FNF::DescribeFlow", `{"Name":"secret"}`),
			"fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			every, state("FnF:CreateFlow", `{"name":"secret","Definition":"d"}`),
			"fnf:CreateFlow acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			every, state("fnf:DescribeFlow", `{"FlowName":"mine","Name":"secret"}`),
			"fnf:DescribeFlow acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			every,
			state("fnf:StopExecution",
				`{"FlowName":"secret","ExecutionName":"x","RegionId":"cn-beijing"}`),
			"fnf:StopExecution acs:fnf:cn-beijing:123:flow/secret", false,
		},
		{every, state("fnf:ListFlows", `{}`), "fnf:ListFlows *", false},
		{every, state("fnf:ListFlows", `{"Name":""}`), "fnf:ListFlows *", false},
		{
			every, state("fnf:NotYetKnown", `{"FlowName":"secret"}`),
			"fnf:NotYetKnown acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			every, step("fnf:DeleteFlow", "", `{"Name":"secret"}`),
			"fnf:DeleteFlow acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{
			every, state("flows:DeleteFlow", `{"Name":"secret"}`),
			"fnf:DeleteFlow acs:fnf:cn-hangzhou:123:flow/secret", false,
		},
		{every, state("ECS:DescribeInstances", `{"Name":"secret"}`), "", true},
	} {
		what := c.r.Action + " " + c.r.Resource + string(c.r.Parameters)
		for _, may := range []access.May{granted, nil} {
			operation, s.calls = nil, 0
			c.r.May = may
			got := c.run.Run(t.Context(), c.r)
			if may != nil && (c.operation == "") != (operation == nil) ||
				may != nil && c.operation != "" && !slices.Contains(operation, c.operation) {
				t.Errorf("%s: asked %v, want %s", what, operation, c.operation)
			}
			if may == nil || c.ok {
				if got.Error != nil {
					t.Errorf("%s: %v", what, got.Error)
				}
				continue
			}
			product := c.r.Product()
			if c.r.Dialect == flow.FlowV1 {
				product = "fnf"
			}
			if got.Error == nil || got.Error.Name != product+".AccessDenied" || s.calls != 0 ||
				!strings.Contains(got.Error.Cause,
					"key limited, whose policies do not allow fnf:") {
				t.Errorf("%s: %d requests, %v", what, s.calls, got.Error)
			}
		}
	}
}

// TestFlowsOfTheCloudAreTheOperators: a flow reaches only those flows of CloudFlow itself that the
// operator has opened, and only from CloudFlow's account unless the product is listed. If it gives
// them a role, it must be allowed to pass that role.
func TestFlowsOfTheCloudAreTheOperators(t *testing.T) {
	s := &api{status: 200, response: `{"RequestId":"r"}`}
	of := service(t, s)
	mine := []string{"acs:fnf:*:*:flow/mine*"}
	may := func(action, resource string) bool {
		return strings.HasPrefix(action, "fnf:") ||
			action == access.PassRole && resource == "acs:ram::123:role/flows"
	}
	listed := map[string]openapitask.Product{
		"fnf": {Version: "2019-03-15", Host: "{region}.fnf.aliyuncs.com"},
	}
	for _, c := range []struct {
		account            string
		match              []string
		products           map[string]openapitask.Product
		action, parameters string
		cause              string // "" if it is called
	}{
		{"123", mine, nil, "FNF:UpdateFlow", `{"Name":"mine","Definition":"d"}`, ""},
		{
			"123", mine, nil, "FNF:CreateFlow",
			`{"Name":"mine","RoleArn":"acs:ram::123:role/flows"}`, "",
		},
		{
			"123", mine, nil, "FNF:CreateFlow",
			`{"Name":"mine","RoleArn":"acs:ram::123:role/administrator"}`, "ram:PassRole",
		},
		{
			"123", mine, nil, "FNF:UpdateFlow",
			`{"Name":"mine","rolearn":"acs:ram::123:role/administrator"}`, "ram:PassRole",
		},
		{
			"123", mine, nil, "FNF:UpdateFlow", `{"Name":"payroll","Definition":"d"}`,
			"MILLRACE_CLOUDFLOW",
		},
		{
			"123", mine, nil, "FNF:StopExecution", `{"FlowName":"payroll","ExecutionName":"x"}`,
			"MILLRACE_CLOUDFLOW",
		},
		{"123", mine, nil, "FNF:ListFlows", `{}`, "MILLRACE_CLOUDFLOW"},
		{"123", []string{"acs:fnf:*"}, nil, "FNF:ListFlows", `{}`, ""},
		{"123", nil, nil, "FNF:DeleteFlow", `{"Name":"mine"}`, "MILLRACE_CLOUDFLOW"},
		{"123", mine, nil, "FNF:DeleteFlow", `{"Name":"x:flow/mine"}`, "no name of a flow"},
		{"123", mine, nil, "FNF:DeleteFlow", `{"FlowName":["mine"]}`, "no name of a flow"},
		{"2", mine, nil, "FNF:DeleteFlow", `{"Name":"mine"}`, "this flow is of another, 2"},
		{"2", mine, listed, "FNF:DeleteFlow", `{"Name":"mine"}`, ""},
		{"2", mine, listed, "FNF:DeleteFlow", `{"Name":"payroll"}`, "MILLRACE_CLOUDFLOW"},
	} {
		s.calls = 0
		every := &openapitask.AnyProduct{Service: of, Products: c.products, CloudFlow: c.match}
		got := every.Run(t.Context(), task.Request{
			Action: c.action, Account: c.account, Author: "me", May: may,
			Parameters: json.RawMessage(c.parameters),
		})
		switch {
		case c.cause == "" && (got.Error != nil || s.calls != 1):
			t.Errorf("%+v: %d requests, %v", c, s.calls, got.Error)
		case c.cause != "" &&
			(got.Error == nil || s.calls != 0 || got.Error.Name != "FNF.AccessDenied" ||
				!strings.Contains(got.Error.Cause, c.cause)):
			t.Errorf("%+v: %d requests, %v", c, s.calls, got.Error)
		}
	}
}

// TestTemplatesAreTheOperators: a product that carries out templates, which compute names, can be
// called only if it is listed.
func TestTemplatesAreTheOperators(t *testing.T) {
	s := &api{status: 200, response: `{"RequestId":"r"}`}
	every := &openapitask.AnyProduct{Service: service(t, s)}
	for _, action := range []string{
		"ROS:CreateStack", "OOS:StartExecution", "Devs:CreateEnvironment",
	} {
		if got := every.Run(t.Context(), task.Request{Action: action}); got.Error == nil ||
			s.calls != 0 || !strings.Contains(got.Error.Cause, "MILLRACE_PRODUCTS") {
			t.Errorf("%s: %v", action, got.Error)
		}
	}
	every.Products = map[string]openapitask.Product{
		"ros": {Version: "2019-09-10", Host: "ros.aliyuncs.com"},
	}
	if got := every.Run(t.Context(), task.Request{Action: "ROS:CreateStack"}); got.Error != nil ||
		s.calls != 1 {
		t.Error(got.Error)
	}
}

// TestReservedTargets: no runner of this package may target what the operator has reserved.
func TestReservedTargets(t *testing.T) {
	s := &api{status: 200, response: `{"RequestId":"r"}`}
	of := service(t, s)
	mine := reserved.Alibaba("millrace", "millrace-steprunner", "mr-flows", []string{
		"acs:fc:*:functions/relay*", "acs:eventbridge:*:eventbus/hints",
	})
	every, events := &openapitask.AnyProduct{Service: of, Own: mine}, &openapitask.Events{
		Service: of, Own: mine,
	}
	for _, c := range []struct {
		run                task.Runner
		action, parameters string
	}{
		{
			every, "FC:Invoke",
			`{"Path":"/2023-03-30/functions/relay/invocations","Method":"POST","Body":{"x":1}}`,
		},
		{
			every, "RAM:DetachPolicyFromRole",
			`{"RoleName":"millrace-tasks","PolicyType":"Custom","PolicyName":"millrace-reserved"}`,
		},
		{
			every, "CMS:PutEventRuleTargets",
			`{"RuleName":"r","MnsParameters":[{"Id":"1","Queue":"millrace"}]}`,
		},
		{
			events, "EventBridge:PutEvents",
			`{"id":"1","source":"s","type":"t","eventBusName":"hints"}`,
		},
	} {
		got := c.run.Run(t.Context(), task.Request{
			Action: c.action, Parameters: json.RawMessage(c.parameters),
		})
		if got.Error == nil || !strings.HasSuffix(got.Error.Name, ".AccessDenied") || s.calls != 0 {
			t.Errorf("%s %s: %d requests, %v", c.action, c.parameters, s.calls, got.Error)
		}
	}
}
