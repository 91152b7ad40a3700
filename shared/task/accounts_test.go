package task_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/task"
)

// TestOwnAccounts: a resource of another account is denied before the task does anything, in every
// product, dialect and spelling of the name.
func TestOwnAccounts(t *testing.T) {
	const own, cloud, foreign = "1", "900", "2"
	actions := []struct{ action, service, resource string }{
		{"FC:InvokeFunction", "fc", "functions/f"},
		{"fc::InvokeFunction", "fc", "services/s.LATEST/functions/f"},
		{"Lambda:Invoke", "fc", "functions/f/LATEST"},
		{"MNS:SendMessage", "mns", "/queues/q/messages"},
		{"mns:PublishMessage", "mns", "/topics/t/messages"},
		{"OSS:GetObject", "oss", "bucket/key:with:colons"},
		{"SMS:SendSms", "dysms", "sign/s"},
		{"EventBridge:PutEvents", "eventbridge", "eventbus/b"},
		{"ECS:DescribeInstances", "ecs", "instance/i"},
		{"Custom:Mapped", "custom", "thing/t"},
		{"HTTP:Request", "fc", "functions/f"},
		{"FNF:StartExecution", "fnf", "flow/f"},
		{"fnf:StartExecution", "fnf", "flow/f"},
		{"fnf:NotYetKnown", "fnf", "flow/f"},
	}
	forms := []struct {
		name string
		make func(r *task.Request, arn string)
	}{
		{
			"parameter",
			func(r *task.Request, arn string) { r.Parameters = parameters("resourceArn", arn) },
		},
		{
			"parameter in another case",
			func(r *task.Request, arn string) { r.Parameters = parameters("RESOURCEARN", arn) },
		},
		{
			"parameter with a letter that folds",
			func(r *task.Request, arn string) {
				r.Parameters = parameters("re\u017fourceArn", arn)
			},
		},
		{"beside an own one", func(r *task.Request, arn string) {
			r.Parameters = parameters("resourceArn", "acs:fc:::functions/mine", "ResourceArn", arn)
		}},
		{"escaped", func(r *task.Request, arn string) {
			r.Parameters = json.RawMessage(strings.Replace(string(parameters("resourceArn", arn)),
				"acs:", `\u0061cs\u003a`, 1))
		}},
		{"tree", func(r *task.Request, arn string) {
			r.Parameters, r.Tree = parameters("ResourceArn", arn), map[string]any{
				"ResourceArn": arn, "body": "x",
			}
		}},
		{
			"resource of FlowV1",
			func(r *task.Request, arn string) { r.Dialect, r.Resource = flow.FlowV1, arn },
		},
		{"resource and an own parameter", func(r *task.Request, arn string) {
			r.Dialect, r.Resource, r.Parameters = flow.FlowV1, arn, parameters("resourceArn",
				"acs:fc:::functions/mine")
		}},
		{"parameter of FlowV1", func(r *task.Request, arn string) {
			r.Dialect, r.Parameters = flow.FlowV1, parameters("resourceArn", arn)
		}},
		{"own resource and a parameter", func(r *task.Request, arn string) {
			r.Dialect, r.Resource, r.Parameters = flow.FlowV1, "acs:fc:::functions/mine",
				parameters("resourceArn", arn)
		}},
	}
	for _, a := range actions {
		for _, f := range forms {
			for _, c := range []struct {
				account, shared string
				allowed         bool
			}{
				{"", "", true}, {"", cloud, true}, {own, "", true}, {own, cloud, true},
				{foreign, "", false}, {foreign, cloud, false}, {cloud, "", false},
				{cloud, cloud, a.service != "fnf"},
				{" " + own, "", false}, {own + " ", "", false}, {"*", "", false}, {"01", "", false},
			} {
				for _, region := range []string{"", "cn-hangzhou"} {
					arn := "acs:" + a.service + ":" + region + ":" + c.account + ":" + a.resource
					r := task.Request{Account: own, Action: a.action, Flow: "f"}
					f.make(&r, arn)
					ran := false
					next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
						ran = true
						return task.Result{}
					})
					runner := task.RestrictAccounts(next, c.shared)
					got := runner.Run(t.Context(), r)
					if c.allowed {
						if !ran || got.Error != nil {
							t.Errorf("%s, %s, %s, shared %q: %v", a.action, f.name, arn, c.shared,
								got.Error)
						}
						continue
					}
					product, _, _ := strings.Cut(a.action, ":")
					if r.Dialect == flow.FlowV1 && strings.EqualFold(product, "fnf") {
						product = "fnf"
					}
					if ran || got.Error == nil || got.Error.Name != product+".AccessDenied" ||
						!strings.Contains(got.Error.Cause, arn) {
						t.Errorf("%s, %s, %s, shared %q: done %v, %v", a.action, f.name, arn,
							c.shared, ran, got.Error)
					}
				}
			}
		}
	}
	for _, p := range []string{"", "7", `"acs:fc::2:functions/f"`,
		`{"body":"acs:fc::2:functions/f"}`, `{"resourceArn":{"x":"acs:fc::2:functions/f"}}`,
		`{"resourceArn":"no name"}`, `{"resourceArn":null}`,
		`{"body":{"resourceArn":"acs:fc::2:functions/f"}}`} {
		ran := false
		next := task.RunnerFunc(func(context.Context, task.Request) task.Result {
			ran = true
			return task.Result{}
		})
		runner := task.RestrictAccounts(next, "")
		if got := runner.Run(t.Context(), task.Request{Account: own, Action: "FC:InvokeFunction",
			Parameters: json.RawMessage(p)}); !ran {
			t.Errorf("%s names no resource, yet: %v", p, got.Error)
		}
	}
}

// parameters returns an object of strings.
func parameters(pairs ...string) json.RawMessage {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		name, _ := json.Marshal(pairs[i])
		text, _ := json.Marshal(pairs[i+1])
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + string(name) + ":" +
			string(text))
	}
	return json.RawMessage(b.String() + "}")
}
