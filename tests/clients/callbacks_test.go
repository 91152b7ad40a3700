package clients_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// waiting starts an execution of an ask flow and returns the token of its waiting task.
func waiting(t *testing.T, u user, flow, name string) (token string) {
	t.Helper()
	id := u.kind.name + "/" + flow + "/" + name
	begin(t, u, flow, name, fmt.Sprintf(`{"id":%q}`, id))
	return tasks.token(t, id)
}

// TestReports reports the success and the failure of waiting tasks, and then reports them again.
func TestReports(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "reports-" + l.name
		create(t, u, name, l.ask)

		// Names of three lengths, so that tokens need each padding of base64.
		for _, x := range []string{"well", "well1", "well22"} {
			token := waiting(t, u, name, x)
			output := `{"approved":true,"who":"王芳 + co. & \"=/\""}`
			response := ask[reported](t, u, "ReportTaskSucceeded",
				params{"TaskToken": token, "Output": output})
			check(t, "Output", end(t, u, name, x, "Succeeded").Output, output)
			wrote := events(t, u, name, x)[response.EventId-1]
			check(t, "event of the report", wrote.Type, "TaskSucceeded")
			refused(t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"}, 400,
				"TaskAlreadyCompleted")
			refused(t, u, "ReportTaskFailed", params{"TaskToken": token, "Error": "Late"}, 400,
				"TaskAlreadyCompleted")
		}

		token := waiting(t, u, name, "badly")
		response := ask[reported](t, u, "ReportTaskFailed",
			params{"TaskToken": token, "Error": "Denied", "Cause": "不行: a+b=c/d"})
		end(t, u, name, "badly", "Failed")
		check(t, "event of the report", events(t, u, name, "badly")[response.EventId-1].Type,
			"TaskFailed")
		kind, errorName, cause := failure(t, u, name, "badly")
		check(t, "last event", strings.Join([]string{kind, errorName, cause}, " "),
			"ExecutionFailed Denied 不行: a+b=c/d")

		token = waiting(t, u, name, "stopped")
		ask[execution](t, u, "StopExecution", params{"FlowName": name, "ExecutionName": "stopped"})
		refused(t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"}, 400,
			"TaskAlreadyCompleted")
	})
}

// TestReportSize reports an output of the maximum size for the dialect, and one of a byte more.
// White space counts.
func TestReportSize(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name, limit := "report-size-"+l.name, map[string]int{"flowV1": 32 << 10,
			"stateMachine": 64 << 10}[l.name]
		create(t, u, name, l.ask)
		token := waiting(t, u, name, "one")
		output := func(n int) string { return `{"a":1` + strings.Repeat(" ", n-7) + "}" }
		for _, n := range []int{limit + 1, 2 * limit} {
			message := refused(t, u, "ReportTaskSucceeded",
				params{"TaskToken": token, "Output": output(n)}, 400, "EntityTooLarge")
			mentions(t, message, fmt.Sprint(limit))
		}
		ask[reported](t, u, "ReportTaskSucceeded",
			params{"TaskToken": token, "Output": output(limit)})
		end(t, u, name, "one", "Succeeded")
	})
}

// TestBadReports: invalid reports change nothing, and the task goes on waiting.
func TestBadReports(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "bad-reports", stateMachine.ask)
		token := waiting(t, u, "bad-reports", "one")
		for _, bad := range []string{"tok+en/=1*~", "a b%2B\n", "中文", strings.Repeat("QUFB", 1000),
			forged(t, token), token[:len(token)-4]} {
			refused(t, u, "ReportTaskSucceeded", params{"TaskToken": bad, "Output": "{}"}, 400,
				"InvalidArgument")
			refused(t, u, "ReportTaskFailed", params{"TaskToken": bad, "Error": "No"}, 400,
				"InvalidArgument")
		}
		for _, output := range []string{"[]", "1", "no JSON", `{"a":}`} {
			refused(t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": output}, 400,
				"InvalidArgument")
		}
		refused(t, u, "ReportTaskFailed",
			params{"TaskToken": token, "Error": strings.Repeat("E", 129)}, 400, "InvalidArgument")
		refused(t, u, "ReportTaskFailed", params{"TaskToken": token, "Error": "No",
			"Cause": strings.Repeat("c", 4097)}, 400, "InvalidArgument")
		message := refused(t, u, "ReportTaskSucceeded",
			params{"TaskToken": token, "Output": `{"k":"` + strings.Repeat("x", 64<<10) + `"}`},
			400, "EntityTooLarge")
		mentions(t, message, "65536 bytes")

		ask[reported](t, u, "ReportTaskSucceeded",
			params{"TaskToken": token, "Output": `{"still":"waiting"}`})
		check(t, "Output", end(t, u, "bad-reports", "one", "Succeeded").Output,
			`{"still":"waiting"}`)
		ask[struct{}](t, u, "DeleteFlow", params{"Name": "bad-reports"})
		refused(t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"}, 404,
			"FlowNotExists")
	})
}

// forged returns the token with another proof in it.
func forged(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	head := text[:strings.LastIndex(text, "#")+1]
	return base64.StdEncoding.EncodeToString([]byte(head +
		base64.StdEncoding.EncodeToString([]byte("twenty bytes in all!"))))
}

// TestCallbackToken starts executions with the token of another flow's waiting task. The end of the
// execution reports that task.
func TestCallbackToken(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		owner, callee, broken := "token-owner-"+l.name, "token-callee-"+l.name,
			"token-broken-"+l.name
		create(t, u, owner, l.ask)
		create(t, u, callee, l.ask)
		create(t, u, broken, l.broken)
		answered := func(name, status string) execution { return end(t, u, owner, name, status) }
		with := func(flow, name, input, token string) {
			ask[execution](t, u, "StartExecution", params{"FlowName": flow, "ExecutionName": name,
				"Input": input, "CallbackFnFTaskToken": token})
		}
		id := func(name string) string { return u.kind.name + "/" + callee + "/" + name }

		with(callee, "succeeds", fmt.Sprintf(`{"id":%q}`, id("succeeds")),
			waiting(t, u, owner, "succeeds"))
		ask[reported](t, u, "ReportTaskSucceeded",
			params{"TaskToken": tasks.token(t, id("succeeds")), "Output": `{"sum":3}`})
		check(t, "Output", answered("succeeds", "Succeeded").Output, `{"sum":3}`)

		with(broken, "fails", `{"error":"Boom","cause":"because + why"}`,
			waiting(t, u, owner, "fails"))
		answered("fails", "Failed")
		_, errorName, cause := failure(t, u, owner, "fails")
		check(t, "error", errorName+": "+cause, "Boom: because + why")

		with(callee, "stopped", fmt.Sprintf(`{"id":%q}`, id("stopped")),
			waiting(t, u, owner, "stopped"))
		ask[execution](t, u, "StopExecution", params{"FlowName": callee, "ExecutionName": "stopped",
			"Error": "AnyCustomError", "Cause": "停"})
		answered("stopped", "Failed")
		_, errorName, cause = failure(t, u, owner, "stopped")
		check(t, "error", errorName+": "+cause, "AnyCustomError: 停")

		with(callee, "unnamed", fmt.Sprintf(`{"id":%q}`, id("unnamed")),
			waiting(t, u, owner, "unnamed"))
		ask[execution](t, u, "StopExecution",
			params{"FlowName": callee, "ExecutionName": "unnamed"})
		answered("unnamed", "Failed")
		_, errorName, _ = failure(t, u, owner, "unnamed")
		check(t, "error", errorName, "FnF.ExecutionStopped")

		// An unknown token does not keep an execution from ending.
		with(broken, "foreign", `{"error":"E","cause":"c"}`, "tok+en/=1*~ 中")
		end(t, u, broken, "foreign", "Failed")
	})
}

// The parents of TestSubFlows, by dialect and by how they wait for a child. {Child} is the child
// flow.
const (
	olderSync = `version: v1
type: flow
steps:
  - type: task
    name: child
    resourceArn: acs:fnf:::flow/{Child}
    pattern: sync
    serviceParams: {Input: $, ExecutionName: $.child}
    catch:
      - {errors: [ChildGaveUp], goto: cleanUp}
  - {type: pass, name: good, end: true}
  - type: pass
    name: cleanUp
    outputMappings:
      - {target: cleaned, source: true}
`
	olderRequest = `version: v1
type: flow
steps:
  - type: task
    name: child
    resourceArn: acs:fnf:::flow/{Child}
    pattern: requestResponse
    serviceParams: {Input: $, ExecutionName: $.child}
`
	newerStart = `Type: StateMachine
SpecVersion: v1
Name: {Flow}
StartAt: child
States:
  - Name: child
    Type: Task
    Action: FNF:StartExecution
    TaskMode: {Mode}
    Parameters:
      resourceArn: acs:fnf:::flow/{Child}
      executionName.$: $Input.child
      input:
        id.$: $Input.id
    Catch:
      - Errors: [ChildGaveUp]
        OutputConstructor:
          cleaned: true
        Next: cleanUp
    End: true
  - {Name: cleanUp, Type: Succeed}
`
)

// TestSubFlows starts child flows from tasks that wait for the child's end, or do not.
func TestSubFlows(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		child := "child-" + l.name
		create(t, u, child, l.ask)
		system, request := newerStart, newerStart
		if l.name == "flowV1" {
			system, request = olderSync, olderRequest
		}
		parent := func(name, text, mode string) string {
			create(t, u, name, strings.NewReplacer("{Child}", child, "{Mode}", mode).Replace(text))
			return name
		}
		sync := parent("parent-sync-"+l.name, system, "WaitForSystemCallback")
		id := func(name string) string { return u.kind.name + "/" + child + "/" + name }
		run := func(flow, name string) (token string) {
			begin(t, u, flow, name, fmt.Sprintf(`{"child":%q,"id":%q}`, name, id(name)))
			return tasks.token(t, id(name))
		}

		ask[reported](t, u, "ReportTaskSucceeded", params{"TaskToken": run(sync, "good"),
			"Output": `{"sum":3}`})
		output := end(t, u, sync, "good", "Succeeded").Output
		mentions(t, output, `"sum":3`)
		check(t, "child's Output", end(t, u, child, "good", "Succeeded").Output, `{"sum":3}`)

		ask[reported](t, u, "ReportTaskFailed", params{"TaskToken": run(sync, "bad"),
			"Error": "Broken", "Cause": "why"})
		end(t, u, sync, "bad", "Failed")
		_, errorName, _ := failure(t, u, sync, "bad")
		check(t, "error", errorName, "Broken")

		run(sync, "given-up")
		ask[execution](t, u, "StopExecution", params{"FlowName": child, "ExecutionName": "given-up",
			"Error": "ChildGaveUp"})
		mentions(t, end(t, u, sync, "given-up", "Succeeded").Output, `"cleaned":true`)

		once := parent("parent-once-"+l.name, request, "RequestComplete")
		token := run(once, "started")
		output = end(t, u, once, "started", "Succeeded").Output
		mentions(t, output, `"FlowName":"`+child+`"`)
		mentions(t, output, `"ExecutionName":"started"`)
		check(t, "child's Status", ask[execution](t, u, "DescribeExecution",
			params{"FlowName": child, "ExecutionName": "started"}).Status, "Running")
		ask[reported](t, u, "ReportTaskSucceeded", params{"TaskToken": token, "Output": "{}"})
		end(t, u, child, "started", "Succeeded")

		// An ended execution has the child's name: the parent receives the error of the API.
		begin(t, u, once, "again", fmt.Sprintf(`{"child":"started","id":%q}`, id("started")))
		end(t, u, once, "again", "Failed")
		_, errorName, _ = failure(t, u, once, "again")
		check(t, "error", strings.ToLower(errorName), "fnf.executionalreadyexists")
	})
}
