package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/server"
)

// request sends a request and returns the text of the response.
func (c *caller) request(operation string, parameters ...string) string {
	c.t.Helper()
	p := map[string]string{}
	for i := 0; i < len(parameters); i += 2 {
		p[parameters[i]] = parameters[i+1]
	}
	raw, err := c.Call(c.t.Context(), operation, p)
	if err != nil {
		c.t.Fatalf("%s %v: %v", operation, parameters, err)
	}
	return string(raw)
}

// eventually waits until holds returns true; its timeout is long enough for slow machines.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1500 {
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("it does not come to be that %s", what)
}

const (
	express = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n- %s\n"
	paying  = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n" +
		"- {Name: A, Type: Pass, OutputConstructor: {paid: '5555'}, End: true}\n"
)

// asExpress makes a flow an Express flow.
func asExpress(q *cloudflow.CreateFlowRequest) { q.ExecutionMode = "Express" }

// withPassword sets an environment.
func withPassword(q *cloudflow.CreateFlowRequest) {
	q.Environment = `{"Variables":[{"Name":"DBPASS","Value":"hunter2"}]}`
}

// TestAnswersHide: no response shows a part of an execution that the dedicated operation would have
// denied to the caller.
func TestAnswersHide(t *testing.T) {
	const rest = `{Effect: Allow, Action: ["fnf:Start*", "fnf:Stop*", "fnf:Redrive*", "fnf:List*", ` +
		`"fnf:Report*", "fnf:Create*", "fnf:Update*", "fnf:Delete*", "fnf:DescribeRegions"], ` +
		`Resource: "*"}`
	const flows = `, {Effect: Allow, Action: "fnf:DescribeFlow", Resource: "*"}`
	const executions = `, {Effect: Allow, Action: "fnf:DescribeExecution", Resource: "*"}`
	elsewhere := strings.ReplaceAll(flows+executions, `Resource: "*"`,
		`Resource: "acs:fnf:*:*:flow/other*"`)
	g := &securedServer{t: t}
	g.open(accountFile(strings.Join([]string{key("neither", policies(rest)),
		key("flows", policies(rest+flows)),
		key("executions", policies(rest+executions)), key("both", policies(rest+flows+executions)),
		key("elsewhere", policies(rest+elsewhere))}, "\n"), ""))
	owner := g.as("owner")
	owner.mustCreate("long", fmt.Sprintf(waits, "long"), withPassword)
	owner.mustCreate("done", fmt.Sprintf(paying, "done"), withPassword)
	owner.mustCreate("quick", fmt.Sprintf(paying, "quick"), withPassword, asExpress)
	owner.start("done", "x", `{"card":"4111"}`)
	owner.describe("done", "x")

	// What a response may show, each as a text to search for.
	const definition, environment, input, output = "SpecVersion", "hunter2", `\"card\":\"4111\"`,
		`\"paid\":\"5555\"`
	readers := map[string][]string{
		"owner":      {definition, environment, input, output},
		"neither":    nil,
		"elsewhere":  nil,
		"flows":      {definition, environment},
		"executions": {input, output},
		"both":       {definition, environment, input, output},
	}
	owner.mustCreate("kept", fmt.Sprintf(paying, "kept"), withPassword)
	everything, stops := map[string]bool{}, 0
	// Operations whose responses show nothing of an existing execution or flow, or need a right of
	// their own.
	shows := map[string]bool{
		"CreateFlow":          true,
		"DeleteFlow":          true,
		"GetExecutionHistory": true,
		"ReportTaskSucceeded": true,
		"ReportTaskFailed":    true,
		"PublishFlowVersion":  true,
		"CreateSchedule":      true,
		"UpdateSchedule":      true, // TestScheduleAnswersHide
		"DescribeSchedule":    true,
		"DeleteSchedule":      true,
		"ListSchedules":       true, // TestScheduleAnswersHide
		"ListFlowVersions":    true,
		"DeleteFlowVersion":   true,
		"CreateFlowAlias":     true,
		"UpdateFlowAlias":     true, // what was not sent needs fnf:DescribeFlowAlias
		"DescribeFlowAlias":   true,
		"DeleteFlowAlias":     true,
		"ListFlowAliases":     true,
		"DescribeMapRun":      true,
		// TestPayloadsOfBulk of tests/security
		"CreateBulkOperation":   true,
		"DescribeBulkOperation": true,
		"ListBulkOperations":    true,
		"ListBulkResults":       true,
		"StopBulkOperation":     true,
		"UpdateMapRun":          true,
		"DeleteExecution":       true,
		"DescribeRegions":       true,
	}
	for operation, ask := range map[string]func(*caller, string) string{
		"StartExecution of a name in use": func(c *caller, _ string) string {
			return c.request("StartExecution", "FlowName", "long", "ExecutionName", "w")
		},
		"StopExecution": func(c *caller, name string) string {
			stops++
			execution := fmt.Sprintf("%s%d", name, stops)
			owner.start("long", execution, `{"card":"4111"}`)
			return c.request("StopExecution", "FlowName", "long", "ExecutionName", execution)
		},
		"RedriveExecution": func(c *caller, name string) string {
			stops++
			execution := fmt.Sprintf("%s%d", name, stops)
			owner.start("long", execution, `{"card":"4111"}`)
			owner.request("StopExecution", "FlowName", "long", "ExecutionName", execution)
			return c.request("RedriveExecution", "FlowName", "long", "ExecutionName", execution)
		},
		"ListExecutions": func(c *caller, _ string) string {
			return c.request("ListExecutions", "FlowName", "done")
		},
		"ListFlows": func(c *caller, _ string) string { return c.request("ListFlows") },
		"StartSyncExecution": func(c *caller, _ string) string {
			return c.request("StartSyncExecution", "FlowName", "quick", "Input", "{}")
		},
		"DescribeExecution": func(c *caller, name string) string {
			if !slices.Contains(readers[name], input) {
				return "" // denied as a whole
			}
			return c.request("DescribeExecution", "FlowName", "done", "ExecutionName", "x")
		},
		"DescribeFlow": func(c *caller, name string) string {
			if !slices.Contains(readers[name], definition) {
				return "" // denied as a whole
			}
			return c.request("DescribeFlow", "Name", "kept")
		},
		"UpdateFlow of a description": func(c *caller, _ string) string {
			return c.request("UpdateFlow", "Name", "kept", "Description", "d")
		},
		"UpdateFlow of a type": func(c *caller, _ string) string {
			return c.request("UpdateFlow", "Name", "kept", "Type", "FDL")
		},
		"UpdateFlow of nothing": func(c *caller, _ string) string {
			return c.request("UpdateFlow", "Name", "kept", "Definition", "", "Type", "")
		},
	} {
		method, _, _ := strings.Cut(operation, " ")
		shows[method] = true
		if strings.HasPrefix(operation, "StartExecution") {
			owner.start("long", "w", `{"card":"4111"}`)
		}
		whole := ask(owner, "owner")
		for name, sees := range readers {
			got := ask(g.as(name), name)
			for _, part := range []string{definition, environment, input, output} {
				want := strings.Contains(whole, part) && slices.Contains(sees, part)
				if !slices.Contains(sees, input) &&
					(operation == "ListExecutions" || operation == "DescribeExecution") {
					want = false // metadata, or nothing
				}
				if operation == "StartSyncExecution" && part == output {
					want = true // the caller sent it
				}
				everything[part] = everything[part] || want
				if strings.Contains(got, part) != want {
					t.Errorf("%s by %s: shows %s is %v, want %v: %s", operation, name, part, !want,
						want, got)
				}
			}
		}
	}
	for i := range reflect.TypeFor[server.API]().NumMethod() {
		if name := reflect.TypeFor[server.API]().Method(i).Name; !shows[name] {
			t.Errorf("%s is not tested", name)
		}
	}
	if len(everything) != 4 || !everything[definition] || !everything[environment] ||
		!everything[input] || !everything[output] {
		t.Errorf("no answer shows all that may be shown: %v", everything)
	}
}

// TestTokensAreMasked: a caller that may not make both reports sees no task token, wherever a flow
// has put it.
func TestTokensAreMasked(t *testing.T) {
	const read = `{Effect: Allow, Action: "*", Resource: "*"}`
	g := &securedServer{t: t}
	g.open(accountFile(strings.Join([]string{
		key("neither", policies(read+`, {Effect: Deny, Action: "fnf:Report*", Resource: "*"}`)),
		key("one", policies(
			read+`, {Effect: Deny, Action: "fnf:ReportTaskFailed", Resource: "*"}`)),
		key("reporter", policies(read))}, "\n"), ""))
	owner := g.as("owner")
	owner.mustCreate("asks", fmt.Sprintf(waiting, "asks"))
	owner.start("asks", "x", "{}")
	token := owner.token("asks", "x")
	const like = "djEjbm90aGluZw" // has the start of a token, and is none
	const before = "djEjA"        // also, directly before the token
	escaped := fmt.Sprintf(`\u%04x`, token[0]) + token[1:]
	input := fmt.Sprintf(`{"in":{"a":"see %s.","b":"%s%s"},"escaped":"%s","like":"%s"}`,
		token, before, token, escaped, like)
	owner.mustCreate("carries", fmt.Sprintf(passes, "carries"))
	owner.start("carries", "x", input)
	owner.describe("carries", "x")
	owner.mustCreate("quick", fmt.Sprintf(passes, "quick"), asExpress)
	owner.mustCreate("fails", fmt.Sprintf(express, "fails",
		fmt.Sprintf("{Name: A, Type: Fail, Code: E, Detail: 'for %s%s'}", before, token)),
		asExpress)
	owner.mustCreate("broken", fmt.Sprintf(express, "broken",
		fmt.Sprintf("{Name: A, Type: Fail, Code: E, Detail: 'for %s%s'}", before, token)))
	owner.start("broken", "x", "{}")
	owner.describe("broken", "x")

	for name, ask := range map[string]func(c *caller) string{
		"history of the task": func(c *caller) string {
			return c.request("GetExecutionHistory", "FlowName", "asks", "ExecutionName", "x")
		},
		"history of another": func(c *caller) string {
			return c.request("GetExecutionHistory", "FlowName", "carries", "ExecutionName", "x")
		},
		"history of a failure": func(c *caller) string {
			return c.request("GetExecutionHistory", "FlowName", "broken", "ExecutionName", "x")
		},
		"DescribeExecution": func(c *caller) string {
			return c.request("DescribeExecution", "FlowName", "carries", "ExecutionName", "x")
		},
		"ListExecutions": func(c *caller) string {
			return c.request("ListExecutions", "FlowName", "carries")
		},
		"output of StartSyncExecution": func(c *caller) string {
			return c.request("StartSyncExecution", "FlowName", "quick", "Input", input)
		},
		"error of StartSyncExecution": func(c *caller) string {
			return errorOf(t, c.request("StartSyncExecution", "FlowName", "fails", "Input", "{}"))
		},
	} {
		for _, id := range []string{"owner", "reporter"} {
			if got := ask(g.as(id)); !strings.Contains(got, token) {
				t.Errorf("%s, read by %s: no token: %s", name, id, got)
			}
		}
		for _, id := range []string{"neither", "one"} {
			got := strings.ReplaceAll(ask(g.as(id)), fmt.Sprintf(`\u%04x`, token[0]), token[:1])
			// A part of a token is worthless without its end.
			if strings.Contains(got, token[len(token)/2:]) ||
				!strings.Contains(got, "(task token: readers need") {
				t.Errorf("%s, read by %s: %s", name, id, got)
			}
			if strings.Contains(ask(owner), like) && !strings.Contains(got, like) {
				t.Errorf("%s, read by %s: what is no token is masked: %s", name, id, got)
			}
		}
	}
}

// errorOf returns the error of a StartSyncExecution response.
func errorOf(t *testing.T, response string) string {
	t.Helper()
	var a struct{ Status, ErrorCode, ErrorMessage string }
	if err := json.Unmarshal([]byte(response), &a); err != nil || a.Status != "Failed" {
		t.Fatalf("%v: %s", err, response)
	}
	return a.ErrorCode + " " + a.ErrorMessage
}

// TestFunctionsOfOtherAccounts: a flow cannot call a function by a name of another account, and a
// function gets the account of the flow in addition to that of the name.
func TestFunctionsOfOtherAccounts(t *testing.T) {
	var mu sync.Mutex
	var calls []string
	functions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		calls = append(calls, r.Header.Get("X-Fc-Account-Id")+" for "+
			r.Header.Get("X-Millrace-Account-Id"))
		mu.Unlock()
		fmt.Fprint(w, "{}")
	}))
	defer functions.Close()
	last := func() string {
		mu.Lock()
		defer mu.Unlock()
		text := strings.Join(calls, ", ")
		calls = nil
		return text
	}
	g := &securedServer{t: t, functions: "  - {match: whoami, http: \"" + functions.URL + "\"}\n"}
	g.open(accountFile("", ""))
	n := 0
	run := func(c *caller, definition string) (status, history string) {
		n++
		name := fmt.Sprintf("f%d", n)
		c.mustCreate(name, strings.ReplaceAll(definition, "NAME", name))
		c.start(name, "x", "{}")
		return c.describe(name, "x").Status, c.history(name, "x")
	}
	forms := []string{
		stateFlow("NAME", "FC:InvokeFunction", "{resourceArn: 'ARN', invocationType: Sync}"),
		stateFlow("NAME", "FC:InvokeFunction",
			"{resourceArn.$: \"format('{}', 'ARN')\", invocationType: Sync}"),
		stepFlow("resourceArn: ARN", "{}"),
	}
	for _, form := range forms {
		for _, c := range []struct{ caller, arn, want string }{
			{"owner", "acs:fc:::functions/whoami", "1 for 1"},
			{"owner", "acs:fc:cn-hangzhou:1:functions/whoami", "1 for 1"},
			{"stranger", "acs:fc:::functions/whoami", "2 for 2"},
			{"stranger", "acs:fc:cn-hangzhou:2:functions/whoami", "2 for 2"},
			{"owner", "acs:fc:cn-hangzhou:2:functions/whoami", ""},
			{"stranger", "acs:fc:cn-hangzhou:1:functions/whoami", ""},
			{"stranger", "acs:fc::1:functions/private", ""},
		} {
			status, history := run(g.as(c.caller), strings.ReplaceAll(form, "ARN", c.arn))
			if got := last(); got != c.want {
				t.Errorf("%s calls %s: the function sees %q, want %q: %s", c.caller, c.arn, got,
					c.want, history)
			}
			if want := map[bool]string{
				true:  "Failed",
				false: "Succeeded",
			}[c.want == ""]; status != want ||
				c.want == "" && (!strings.Contains(history, "AccessDenied") ||
					strings.Contains(history, "of-account-1")) {
				t.Errorf("%s calls %s: %s: %s", c.caller, c.arn, status, history)
			}
		}
	}
	for _, form := range forms { // an open server runs definitions of every account
		g.data = ""
		g.end()
		g.open("")
		if status, history := run(g.as(""), strings.ReplaceAll(form, "ARN",
			"acs:fc::9:functions/whoami")); status != "Succeeded" {
			t.Errorf("open: %s", history)
		}
		if got := last(); got != "9 for 1234567890123456" {
			t.Errorf("open: the function sees %s", got)
		}
	}
}

// TestCallbackOfRevokedKey: the engine reports an execution's end to the caller only while the key
// that started it may make the report.
func TestCallbackOfRevokedKey(t *testing.T) {
	const deny = everything + `, {Effect: Deny, Action: "fnf:Report*", Resource: "*"}`
	for name, after := range map[string]string{
		"gone":       "",
		"restricted": key("starter", policies(deny)),
		"expired":    key("starter", "expires: 2020-01-31T00:00:00Z"),
	} {
		t.Run(name, func(t *testing.T) {
			with := accountFile(key("starter", policies(everything)), "")
			g := &securedServer{t: t}
			g.open(with)
			owner := g.as("owner")
			owner.mustCreate("asks", fmt.Sprintf(waiting, "asks"))
			owner.mustCreate("long", fmt.Sprintf(waits, "long"))
			owner.start("asks", "x", "{}")
			_, err := g.as("starter").StartExecution(t.Context(),
				cloudflow.StartExecutionRequest{FlowName: "long", ExecutionName: "w",
					CallbackToken: owner.token("asks", "x")})
			if err != nil {
				t.Fatal(err)
			}
			g.open(accountFile(after, ""))
			owner = g.as("owner")
			owner.request("StopExecution", "FlowName", "long", "ExecutionName", "w")
			eventually(t, "the report is refused",
				func() bool { return g.log.count("outbox entry not delivered") > 0 })
			if got := owner.status("asks", "x"); got != "Running" {
				t.Errorf("%s, by the report of a key that may not", got)
			}
			g.open(with)
			owner = g.as("owner")
			eventually(t, "the report is made",
				func() bool { return owner.status("asks", "x") == "Failed" })
		})
	}
}

// TestStopOfChild: when an execution ends, the child that it waits for is stopped if the flow may
// stop it by its current rights.
func TestStopOfChild(t *testing.T) {
	const starts = `{Effect: Allow, Action: "fnf:StartExecution", Resource: "*"}`
	const stops = starts + `, {Effect: Allow, Action: "fnf:StopExecution", Resource: ` +
		`"acs:fnf:*:*:flow/child"}`
	const own = starts + `, {Effect: Allow, Action: "fnf:StopExecution", Resource: ` +
		`"acs:fnf:*:*:flow/parent"}`
	for name, c := range map[string]struct {
		keys, roles string // when the parent is stopped
		stopped     bool
	}{
		"may":                 {key("author", policies(stops)), "", true},
		"may not":             {key("author", policies(starts)), "", false},
		"may stop itself":     {key("author", policies(own)), "", false},
		"gone":                {"", "", false},
		"replaced":            {key("fresh", "replaces: [author], "+policies(stops)), "", true},
		"role may":            {"", "name: worker, " + policies(stops), true},
		"role may not":        {key("author", ""), "name: worker, " + policies(starts), false},
		"role gone, key may":  {key("author", ""), "name: other", false},
		"role of the account": {"", "name: worker", true},
	} {
		t.Run(name, func(t *testing.T) {
			g := &securedServer{t: t}
			all := key("author", policies(everything))
			role := func(q *cloudflow.CreateFlowRequest) {
				if c.roles != "" {
					q.RoleArn = "acs:ram::1:role/worker"
				}
			}
			g.open(accountFile(all, map[bool]string{true: "name: worker"}[c.roles != ""]))
			owner := g.as("owner")
			owner.mustCreate("child", fmt.Sprintf(waits, "child"))
			g.as("author").mustCreate("parent",
				strings.Replace(stateFlow("parent", "FNF:StartExecution",
					"{resourceArn: 'acs:fnf:::flow/child', executionName: c}"), "Type: Task,",
					"Type: Task, TaskMode: WaitForSystemCallback,", 1), role)
			owner.start("parent", "p", "{}")
			eventually(t, "the child runs", func() bool {
				return owner.status("child", "c") == "Running"
			})
			g.open(accountFile(c.keys, c.roles))
			owner = g.as("owner")
			owner.request("StopExecution", "FlowName", "parent", "ExecutionName", "p")
			if c.stopped {
				eventually(t, "the child is stopped",
					func() bool { return owner.status("child", "c") == "Stopped" })
				return
			}
			eventually(t, "the stop is refused",
				func() bool { return g.log.count("outbox entry not delivered") > 0 })
			if got := owner.status("child", "c"); got != "Running" {
				t.Errorf("the child is %s", got)
			}
		})
	}
}

// TestSyncExecutionsActWithRights: a synchronous execution has exactly the rights of its flow, not
// its caller's.
func TestSyncExecutionsActWithRights(t *testing.T) {
	g := &securedServer{t: t}
	limited := key("author", policies(ownFlows))
	g.open(accountFile(limited, "name: worker, "+policies(everything)))
	owner, author := g.as("owner"), g.as("author")
	owner.mustCreate("secret", fmt.Sprintf(passes, "secret"))
	starts := func(flow, name string) string {
		return stateFlow(flow, "FNF:StartExecution", "{resourceArn.$: $Input.arn, executionName: "+
			name+"}")
	}
	author.mustCreate("mine-quick", starts("mine-quick", "stolen"), asExpress)
	author.mustCreate("mine-role", starts("mine-role", "by-role"), asExpress,
		func(q *cloudflow.CreateFlowRequest) { q.RoleArn = "acs:ram::1:role/worker" })
	owner.mustCreate("quick", starts("quick", "by-owner"), asExpress)
	run := func(c *caller, flow string) string {
		c.t.Helper()
		return c.request("StartSyncExecution", "FlowName", flow, "Input",
			`{"arn":"acs:fnf:::flow/secret"}`)
	}
	for _, by := range []string{"owner", "author"} {
		if got := errorOf(t, run(g.as(by), "mine-quick")); !strings.HasPrefix(got,
			"FNF.AccessDenied ") || !strings.Contains(got, "key author") {
			t.Errorf("by %s: %s", by, got)
		}
	}
	if got := run(owner, "quick") + run(author, "mine-role"); strings.Count(got,
		`"Succeeded"`) != 2 ||
		!regexp.MustCompile(`\\"RequestI[dD]\\":\\"[^\\]+\\"`).MatchString(got) {
		t.Errorf("%s", got)
	}
	for name, want := range map[string]string{
		"stolen":   "none",
		"by-owner": "Succeeded",
		"by-role":  "Succeeded",
	} {
		owner.describe("secret", name)
		if got := owner.status("secret", name); got != want {
			t.Errorf("secret/%s is %s, want %s", name, got, want)
		}
	}
	g.open(accountFile("", ""))
	for _, flow := range []string{"mine-quick", "mine-role"} {
		if got := errorOf(t, run(g.as("owner"), flow)); !strings.HasPrefix(got,
			"FNF.AccessDenied ") {
			t.Errorf("%s without its author and role: %s", flow, got)
		}
	}
}
