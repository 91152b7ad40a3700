package clients_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestRefusals sends invalid requests. Each results in a typed error of the client.
func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "refusing", stateMachine.pass)
		begin(t, u, "refusing", "one", "{}")
		flow := func(more ...any) params {
			p := params{"FlowName": "refusing"}
			for i := 0; i < len(more); i += 2 {
				p[more[i].(string)] = more[i+1]
			}
			return p
		}
		for i, c := range []struct {
			operation string
			in        params
			code      string
			mentions  string
		}{
			{"CreateFlow", params{"Name": "1st", "Definition": flowV1.pass, "Type": "FDL"},
				"InvalidArgument", "1st"},
			{"CreateFlow", params{"Name": "流程", "Definition": flowV1.pass, "Type": "FDL"},
				"InvalidArgument", "Name"},
			{"CreateFlow", params{"Name": strings.Repeat("n", 129), "Definition": flowV1.pass,
				"Type": "FDL"}, "InvalidArgument", "Name"},
			{"CreateFlow", params{"Name": "x", "Definition": "steps: [", "Type": "FDL"},
				"InvalidArgument", ""},
			{"CreateFlow", params{"Name": "x", "Definition": definition(stateMachine.pass, "y"),
				"Type": "FDL"}, "InvalidArgument", "Name"},
			{"CreateFlow", params{"Name": "x", "Definition": flowV1.pass, "Type": "ASL"},
				"InvalidArgument", "Type"},
			{"CreateFlow", params{"Name": "x", "Definition": flowV1.pass, "Type": "FDL",
				"ExecutionMode": "Slow"}, "InvalidArgument", "ExecutionMode"},
			{"CreateFlow", params{"Name": "x", "Definition": flowV1.pass + strings.Repeat("#",
				256<<10), "Type": "FDL"}, "EntityTooLarge", "262144"},
			{"StartExecution", flow("ExecutionName", "a b"), "InvalidArgument", "ExecutionName"},
			{"StartExecution", flow("Input", "[1]"), "InvalidArgument", "Input"},
			{"StartExecution", flow("Input", `{"a":1`), "InvalidArgument", "Input"},
			{"StartExecution", flow("Input", `{"a":"`+strings.Repeat("x", 64<<10)+`"}`),
				"EntityTooLarge", "65536"},
			{"StartExecution", flow("Input", `{"a":"`+strings.Repeat("x", 1100<<10)+`"}`),
				"EntityTooLarge", "1048576"},
			{"StartExecution", flow("CallbackFnFTaskToken", strings.Repeat("t", 2049)),
				"InvalidArgument", "CallbackFnFTaskToken"},
			{"StopExecution", flow("ExecutionName", "one", "Error", strings.Repeat("E", 129)),
				"InvalidArgument", "Error"},
			{"DescribeExecution", flow("ExecutionName", "one", "WaitTimeSeconds", 61),
				"InvalidArgument", "WaitTimeSeconds"},
			{"DescribeExecution", flow("ExecutionName", "one", "WaitTimeSeconds", -1),
				"InvalidArgument", "WaitTimeSeconds"},
			{"DescribeExecution", flow("ExecutionName", "a/b"), "InvalidArgument", "ExecutionName"},
			{"ListFlows", params{"Limit": 1001}, "InvalidArgument", "Limit"},
			{"ListFlows", params{"Limit": 0}, "InvalidArgument", "Limit"},
			{"ListExecutions", flow("Limit", 101), "InvalidArgument", "Limit"},
			{"GetExecutionHistory", flow("ExecutionName", "one", "NextToken", "+/="),
				"InvalidArgument", "NextToken"},
			{"ListSchedules", flow("Limit", 1001), "InvalidArgument", "Limit"},
			{"ListFlowVersions", flow("Limit", "many"), "InvalidArgument", "Limit"},
			{"ListFlowAliases", flow("NextToken", "x"), "InvalidArgument", "NextToken"},
			{"CreateSchedule", flow("ScheduleName", "s", "CronExpression", "@every 30s"),
				"InvalidArgument", "@every"},
			{"CreateSchedule", flow("ScheduleName", "9", "CronExpression", "@every 1m"),
				"InvalidArgument", "ScheduleName"},
			{"CreateSchedule", flow("ScheduleName", "s", "CronExpression", "@every 1m", "Payload",
				"[1]"), "InvalidArgument", "Payload"},
			{"UpdateFlowDraft", flow(), "ActionNotSupported", "UpdateFlowDraft"},
		} {
			t.Run(fmt.Sprint(i, c.operation), func(t *testing.T) {
				mentions(t, refused(t, u, c.operation, c.in, 400, c.code), c.mentions)
			})
		}
	})
}

// TestRequestID: the response has the caller's request id, for success and failure.
func TestRequestID(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		page := ask[flowPage](t, u, "ListFlows", params{"RequestId": "my-Request_1"})
		check(t, "RequestId", page.RequestId, "my-Request_1")
		first, second := ask[flowPage](t, u, "ListFlows", nil),
			ask[flowPage](t, u, "ListFlows", params{"RequestId": "not / one"})
		if first.RequestId == second.RequestId || second.RequestId == "not / one" {
			t.Errorf("request ids %q and %q", first.RequestId, second.RequestId)
		}
	})
}
