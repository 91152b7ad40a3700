package security_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// readers is the credentials file of the payload tests. All keys may do everything else.
const readers = `accounts:
  - id: "1"
    keys:
      - {id: owner, secret: s1}
      - {id: colleague, secret: s2}
      - id: operator
        secret: s3
        policies: [{Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "fnf:ReadPayload", Resource: "*"}]}]
      - id: elsewhere
        secret: s4
        policies: [{Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "fnf:Read*", Resource: "acs:fnf:*:*:flow/other-*"}]}]
`

// payloadReads are the requests whose responses could show payloads of the executions that
// payloadWorld makes. Each must show the owner what it hides from others.
var payloadReads = []struct {
	operation, params string
	hides             bool // the response to the owner has payloads
}{
	{"DescribeExecution", "FlowName=ask ExecutionName=good", true},
	{"DescribeExecution", "FlowName=ask ExecutionName=bad", true},
	{"DescribeExecution", "FlowName=old ExecutionName=one", true},
	{"ListExecutions", "FlowName=ask", true},
	{"ListExecutions", "FlowName=old Status=Succeeded", true},
	{"ListExecutions", "FlowName=ask MetadataOnly=true", false},
	{"GetExecutionHistory", "FlowName=ask ExecutionName=good Limit=1000", true},
	{"GetExecutionHistory", "FlowName=ask ExecutionName=bad", true},
	{"GetExecutionHistory", "FlowName=ask ExecutionName=bad NextToken=5", true},
	{"GetExecutionHistory", "FlowName=ask ExecutionName=stopped", true},
	{"GetExecutionHistory", "FlowName=old ExecutionName=one", true},
	{"StartExecution", "FlowName=ask ExecutionName=runs Input={}", true}, // that which runs
	{"StopExecution", "FlowName=ask ExecutionName=good", false},          // it has ended
	{"StartExecution", "FlowName=ask ExecutionName=bad Input={}", false},
	{"ReportTaskFailed", "TaskToken={t} Error=E Cause=again", false},
	{"DescribeSchedule", "FlowName=ask ScheduleName=nightly", true},
	{"ListSchedules", "FlowName=ask", true},
	{"DescribeFlow", "Name=ask", false},
	{"ListFlows", "", false},
	{"DescribeBulkOperation", "FlowName=ask BulkName=again", false},
	{"ListBulkResults", "FlowName=ask BulkName=again", false},
	{"CreateBulkOperation", "FlowName=ask Operation=StartExecution Status=Failed DryRun=true",
		false},
}

// payloadWorld makes executions that have ended in every way, with payloads that contain "SECRET"
// at a path that a flow can hide. It returns the task token of the one that succeeded.
func payloadWorld(t *testing.T, owner *client.Client, url string, asked <-chan string) string {
	t.Helper()
	ctx := context.Background()
	create(t, owner, "ask", asking("ask", url))
	create(t, owner, "old", "version: v1\ntype: flow\nsteps: [{type: pass, name: p, "+
		"outputMappings: [{target: kept, source: $local.card}]}, {type: pass, name: q}]")
	const input = `{"customer":{"card":"SECRET-input"},"card":"SECRET-input"}`
	start := func(flow, name string) {
		t.Helper()
		if _, err := owner.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: flow,
			ExecutionName: name, Input: input}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cause := "SECRET-cause"
	start("ask", "good")
	token := <-asked
	check(owner.ReportTaskSucceeded(ctx, cloudflow.ReportTaskSucceededRequest{TaskToken: token,
		Output: `{"card":"SECRET-output"}`}))
	start("ask", "bad")
	check(owner.ReportTaskFailed(ctx, cloudflow.ReportTaskFailedRequest{TaskToken: <-asked,
		Error: "Declined", Cause: &cause}))
	start("ask", "stopped")
	<-asked
	check(owner.StopExecution(ctx, cloudflow.StopExecutionRequest{FlowName: "ask",
		ExecutionName: "stopped", Cause: &cause}))
	start("ask", "runs")
	<-asked
	start("old", "one")
	never := false
	check(owner.CreateBulkOperation(ctx, cloudflow.CreateBulkOperationRequest{FlowName: "ask",
		Operation: "StopExecution", BulkName: "again", ExecutionNames: `["good","bad"]`}))
	check(owner.CreateSchedule(ctx, cloudflow.CreateScheduleRequest{FlowName: "ask",
		ScheduleName: "nightly", CronExpression: "0 0 4 * * *", Payload: input, Enable: &never}))
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		x, err := owner.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{FlowName: "old",
			ExecutionName: "one"})
		check(x, err)
		if x.Status == "Succeeded" {
			return token
		} else if time.Now().After(until) {
			t.Fatal("one does not end")
		}
	}
}

// asks sends a request of payloadReads.
func asks(c *client.Client, operation, params, token string) string {
	p := map[string]string{}
	for _, one := range strings.Fields(params) {
		name, value, _ := strings.Cut(one, "=")
		p[name] = strings.ReplaceAll(value, "{t}", token)
	}
	body, err := c.Call(context.Background(), operation, maps.Clone(p))
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// TestPayloads checks that a key without the right to payloads sees none in any response, and is
// told that something is hidden; that a Deny for other flows hides nothing; and that the paths that
// a flow hides are hidden from everybody but the key that started the execution.
func TestPayloads(t *testing.T) {
	t.Parallel()
	url, asked := tokens(t)
	s := live.New(t, live.Options{Settings: "{AllowLoopback: true}", Credentials: readers})
	s.Start()
	s.WaitReady()
	owner, colleague := s.ClientAs(key("owner", "s1")), s.ClientAs(key("colleague", "s2"))
	operator, elsewhere := s.ClientAs(key("operator", "s3")), s.ClientAs(key("elsewhere", "s4"))
	token := payloadWorld(t, owner, url, asked)
	judge := func(name string, c *client.Client, sees bool) {
		t.Helper()
		for _, r := range payloadReads {
			got := asks(c, r.operation, r.params, token)
			if strings.Contains(got, "SECRET") != (sees && r.hides) ||
				strings.Contains(got, "idden\"") != (!sees && r.hides) {
				t.Errorf("%s: %s %s: %s", name, r.operation, r.params, got)
			}
		}
	}
	judge("owner", owner, true)
	judge("colleague", colleague, true)
	judge("operator", operator, false)
	judge("key with a Deny for other flows", elsewhere, true)

	// The input is stored once and shown three times: as it was given, entered and constructed.
	if got := asks(operator, "GetExecutionHistory", "FlowName=ask ExecutionName=good", ""); strings.
		Count(got, `{\"input\":\"(hidden: object of 2, 58 bytes)\"}`) != 3 {
		t.Errorf("shapes: %s", got)
	}

	paths := `["CARD","kept"]`
	for _, name := range []string{"ask", "old"} {
		if _, err := colleague.UpdateFlow(context.Background(), cloudflow.UpdateFlowRequest{
			Name: name, HiddenPaths: &paths}); err != nil {
			t.Fatal(err)
		}
	}
	judge("owner, with hidden paths", owner, true)
	judge("colleague, with hidden paths", colleague, false)
	judge("operator, with hidden paths", operator, false)
	s.Shutdown()
	s.Start() // the setting is stored
	s.WaitReady()
	judge("colleague, after a restart", s.ClientAs(key("colleague", "s2")), false)
	s.Shutdown()
}

// TestPayloadsOfExpress checks that who may not see payloads does not see the result of an Express
// execution either, nor by way of a flow.
func TestPayloadsOfExpress(t *testing.T) {
	t.Parallel()
	s := live.New(t, live.Options{Credentials: readers + `    roles:
      - name: blind
        policies: [{Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "fnf:ReadPayload", Resource: "*"}]}]
`})
	s.Start()
	s.WaitReady()
	owner, operator := s.ClientAs(key("owner", "s1")), s.ClientAs(key("operator", "s3"))
	const secret = `{"card":"SECRET"}`
	create(t, owner, "seen", pass("seen"))
	create(t, owner, "failing", "Type: StateMachine\nSpecVersion: v1\nName: failing\nStartAt: A\n"+
		"States:\n- {Name: A, Type: Pass, InputConstructor: {a.$: $Input.card.none}, End: true}\n")
	for name, definition := range map[string]string{"quick": pass("quick"),
		"quick-failing": "Type: StateMachine\nSpecVersion: v1\nName: quick-failing\nStartAt: A\n" +
			"States:\n- {Name: A, Type: Pass, InputConstructor: {a.$: $Input.card.none}, End: true}\n",
	} {
		if _, err := owner.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: name,
			Definition: definition, Type: "FDL", ExecutionMode: "Express"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"quick", "quick-failing"} {
		params := "FlowName=" + name + " Input=" + secret
		shown, hidden := asks(owner, "StartSyncExecution", params, ""), asks(operator,
			"StartSyncExecution", params, "")
		if strings.Contains(shown, `"Hidden"`) || strings.Contains(hidden, "SECRET") ||
			!strings.Contains(hidden, `"Hidden":{`) {
			t.Errorf("%s:\n%s\n%s", name, shown, hidden)
		}
	}
	asks(owner, "StartExecution", "FlowName=seen ExecutionName=x Input="+secret, "")
	const look = "version: v1\ntype: flow\nsteps: [{type: task, name: a, " +
		"action: 'fnf:DescribeExecution', " +
		"serviceParams: {FlowName: seen, ExecutionName: x}}]"
	if _, err := owner.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: "look",
		Definition: look, Type: "FDL", RoleArn: "acs:ram::1:role/blind"}); err != nil {
		t.Fatal(err)
	}
	asks(owner, "StartExecution", "FlowName=look ExecutionName=x Input={}", "")
	got := asks(owner, "DescribeExecution", "FlowName=look ExecutionName=x WaitTimeSeconds=20", "")
	got += asks(owner, "GetExecutionHistory", "FlowName=look ExecutionName=x", "")
	if strings.Contains(got, "SECRET") || !strings.Contains(got, `"Status":"Succeeded"`) {
		t.Errorf("a flow without the right: %s", got)
	}
	s.Shutdown()
}

// TestPayloadsOfBulk checks that who starts executions again in bulk does not see by that what the
// flow hides from all but the key that has started them.
func TestPayloadsOfBulk(t *testing.T) {
	t.Parallel()
	s := live.New(t, live.Options{Credentials: readers})
	s.Start()
	s.WaitReady()
	owner, colleague := s.ClientAs(key("owner", "s1")), s.ClientAs(key("colleague", "s2"))
	if _, err := owner.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: "f",
		Definition: pass("f"), Type: "FDL", HiddenPaths: `["card"]`}); err != nil {
		t.Fatal(err)
	}
	asks(owner, "StartExecution", `FlowName=f ExecutionName=x Input={"card":"SECRET"}`, "")
	asks(owner, "DescribeExecution", "FlowName=f ExecutionName=x WaitTimeSeconds=20", "")
	asks(colleague, "CreateBulkOperation", "FlowName=f Operation=StartExecution BulkName=b "+
		`ExecutionNames=["x"]`, "")
	started := ""
	for until := time.Now().Add(time.Minute); started == ""; time.Sleep(20 * time.Millisecond) {
		page, err := colleague.ListBulkResults(context.Background(),
			cloudflow.ListBulkResultsRequest{FlowName: "f", BulkName: "b"})
		if err != nil || time.Now().After(until) {
			t.Fatalf("%+v %v", page, err)
		}
		for _, r := range page.Results {
			started = r.StartedExecutionName
		}
	}
	const describe = "FlowName=f WaitTimeSeconds=20 ExecutionName="
	if got := asks(colleague, "DescribeExecution", describe+started, ""); strings.Contains(got,
		"SECRET") || !strings.Contains(got, "Succeeded") {
		t.Errorf("who started it again in bulk: %s", got)
	}
	if got := asks(owner, "DescribeExecution", describe+started, ""); !strings.Contains(got,
		"SECRET") {
		t.Errorf("who started it first: %s", got)
	}
	s.Shutdown()
}
