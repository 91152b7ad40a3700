package fc_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/store"
	"millrace/tests/clouds"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/oss"
	"millrace/tests/clouds/fc"
)

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12") // tests mostly wait
	code := m.Run()
	clouds.RemoveBinaries()
	os.Exit(code)
}

// both runs a test in both runtimes, in parallel with other tests.
func both(t *testing.T, test func(t *testing.T, r harness.Runtime)) {
	t.Parallel()
	for _, r := range []harness.Runtime{harness.BuiltIn, harness.Custom} {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

func double(event []byte) (string, bool) {
	var e struct{ N int }
	json.Unmarshal(event, &e)
	return fmt.Sprintf(`{"n":%d}`, 2*e.N), false
}

// call returns a Task that invokes a function.
func call(resource, kind, mode string) string {
	return "Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: '" + resource +
		"', invocationType: " + kind +
		", body: {n: 21, token.$: $Context.Current.TaskToken}}, TaskMode: " + mode + ", End: true"
}

// TestFunctions invokes functions synchronously and asynchronously, of FC 3 and of services, by
// version and alias. They report by token; their errors are caught by name. Everything is signed
// with a role's credentials.
func TestFunctions(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r, Env: []string{
			"MILLRACE_FUNCTIONS=functions: [{match: mapped, " +
				"fc: 'acs:fc:::functions/double'}, {match: fixed, reply: {n: 1}}]"}})
		v := s.On(t)
		tokens := make(chan string, 1)
		s.Users.Add("double", double)
		s.Users.Add("double/live", func([]byte) (string, bool) { return `{"n":"live"}`, false })
		s.Users.Add("old/double", double)
		s.Users.Add("broken", func([]byte) (string, bool) {
			return `{"errorType":"NoFunds","errorMessage":"none left"}`, true
		})
		s.Users.Add("ask", func(event []byte) (string, bool) {
			var e struct{ Token string }
			json.Unmarshal(event, &e)
			tokens <- e.Token
			return "thanks", false
		})
		complete := "RequestComplete"
		for name, states := range map[string]string{
			"sync":    call("acs:fc:::functions/double", "Sync", complete),
			"version": call("acs:fc:::functions/double/live", "Sync", complete),
			"old":     call("acs:fc:::services/old/functions/double", "Sync", complete),
			"mapped":  call("acs:fc:::functions/mapped", "Sync", complete),
			"fixed":   call("acs:fc:::functions/fixed", "Sync", complete),
			"forget":  call("acs:fc:::functions/double", "Async", complete),
			"async":   call("acs:fc:::functions/double", "Async", "WaitForSystemCallback"),
			"fails":   call("acs:fc:::functions/broken", "Async", "WaitForSystemCallback"),
			"missing": call("acs:fc:::functions/missing", "Sync", complete),
			"ask":     call("acs:fc:::functions/ask", "Sync", "WaitForCustomCallback"),
		} {
			v.Define(name, "- {Name: A, "+states+"}\n")
			v.Start(name, "one", "{}")
		}
		v.Define("caught", "- {Name: A, "+strings.Replace(call("acs:fc:::functions/broken", "Sync",
			complete), "End: true", "Catch: [{Errors: [NoFunds], Next: B}], End: true",
			1)+"}\n- {Name: B, Type: Succeed}\n")
		v.Start("caught", "one", "{}")
		v.DefineText("older",
			"version: v1\ntype: flow\nsteps:\n- type: task\n  name: a\n"+
				"  resourceArn: acs:fc:::services/old/functions/double\n  pattern: sync\n"+
				"  serviceParams: {InvocationType: Async}\n"+
				"  inputMappings: [{source: $input.n, target: N}]\n"+
				"  outputMappings: [{source: $local.n, target: n}]\n")
		v.Start("older", "one", `{"n":4}`)
		if _, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{
			TaskToken: <-tokens, Output: `{"r":1}`}); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{"sync": `"n":42`, "version": `"n":"live"`,
			"old": `"n":42`, "mapped": `"n":42`, "fixed": `"n":1`, "forget": `"Code":202`,
			"async": `"n":42`, "ask": `{"r":1}`, "older": `{"n":8}`} {
			if x := v.Wait(name, "one"); x.Status != "Succeeded" ||
				!strings.Contains(x.Output, want) {
				t.Errorf("%s: %s %s; %v", name, x.Status, x.Output, v.History(name, "one"))
			}
		}
		if x := v.Wait("caught", "one"); x.Status != "Succeeded" {
			t.Errorf("caught: %s; %v", x.Status, v.History("caught", "one"))
		}
		v.Failed("fails", "one", "NoFunds")
		v.Failed("missing", "one", "FC.FunctionNotFound")
		if n := len(s.MNS.Bodies("millrace-dead-letters")); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

// TestOutcomesByTask checks outcomes that name the id of the task instead of the request's.
func TestOutcomesByTask(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Race: true, Runtime: harness.Custom, Clock: true, Sweeps: -1})
	s.Users.ByTask = true
	s.Users.Add("double", double)
	v := s.On(t)
	v.Define("async", "- {Name: A, "+call("acs:fc:::functions/double", "Async",
		"WaitForSystemCallback")+"}\n")
	for i := range 5 {
		v.Start("async", fmt.Sprint("x", i), "{}")
	}
	for i := range 5 {
		if x := v.Wait("async", fmt.Sprint("x", i)); x.Status != "Succeeded" ||
			!strings.Contains(x.Output, `"n":42`) {
			t.Errorf("%s %s", x.Status, x.Output)
		}
	}
	if n := notes(t, s); n != 5 {
		t.Errorf("%d notes are left, want those of the 5 request ids that no outcome named", n)
	}
	s.Ahead(15 * 24 * time.Hour)
	s.Sweep()
	if n := notes(t, s); n != 0 {
		t.Errorf("%d notes are left that have expired", n)
	}
}

// notes returns the number of notes of asynchronous invocations.
func notes(t *testing.T, s *fc.Stack) (n int) {
	t.Helper()
	for shard := range s.Rows.Shards() {
		for cursor := ""; ; {
			rows, next, err := s.Rows.Due(t.Context(), shard,
				time.Now().Add(20*24*time.Hour).UnixMilli(), cursor, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if store.KindOf(r.Key) == store.InvocationRecordRow {
					n++
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return n
}

// TestServices checks tasks that send messages and events, call any API, or start executions.
func TestServices(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Race: true, Runtime: harness.Custom,
		Env: []string{"MILLRACE_CLOUDFLOW=acs:fnf:cn-beijing:*"}})
	s.MNS.CreateQueue("orders")
	s.MNS.CreateTopic("news")
	s.OSS.CreateBucket("inbox", "")
	s.OSS.Put("inbox", "orders/1.json", oss.Object{Body: []byte(`{"order": 1}`)})
	v := s.On(t)
	task := func(action, parameters, more string) string {
		return "- {Name: A, Type: Task, Action: '" + action + "', Parameters: {" + parameters +
			"}, " + more + "End: true}\n"
	}
	v.Define("child", "- {Name: A, Type: Pass, OutputConstructor: {n.$: $Input.n}, End: true}\n")
	flows := map[string]string{
		"queue": task("MNS:SendMessage",
			"resourceArn: 'acs:mns:::/queues/orders/messages', message: {n.$: $Input.n}, "+
				"priority: 1", ""),
		"topic": task("MNS:SendMessage",
			"resourceArn: 'acs:mns:::/topics/news/messages', message: text", ""),
		"callback": task("MNS:SendMessage",
			"resourceArn: 'acs:mns:::/queues/orders/messages', message.$: "+
				"$Context.Current.TaskToken", "TaskMode: WaitForCustomCallback, "),
		"noqueue": task("MNS:SendMessage",
			"resourceArn: 'acs:mns:::/queues/none/messages', message: m", ""),
		"events": task("EventBridge:PutEvents",
			"id: '1', source: s, type: t, eventBusName: bus, data: {n.$: $Input.n}", ""),
		"api":       task("ECS:DescribeInstances", "RegionId: cn-hangzhou, PageSize: 10", ""),
		"forbidden": task("ECS:Forbidden", "RegionId: cn-hangzhou", ""),
		"object":    task("OSS:GetObject", "bucket: inbox, key: 'orders/1.json'", ""),
		"noobject":  task("OSS:GetObject", "bucket: inbox, key: none", ""),
		"unknown":   task("Gadget:Make", "a: 1", ""),
		"sub": task("FNF:StartExecution",
			"resourceArn: 'acs:fnf:::flow/child', input: {n.$: $Input.n}",
			"TaskMode: WaitForSystemCallback, "),
		"elsewhere": task("FNF:StartExecution",
			"resourceArn: 'acs:fnf:cn-beijing::flow/theirs', executionName: e, input: {n: 1}", ""),
	}
	for name, states := range flows {
		v.Define(name, states)
		v.Start(name, "one", `{"n":7}`)
	}
	v.DefineText("older",
		"version: v1\ntype: flow\nsteps:\n- type: task\n  name: a\n"+
			"  resourceArn: acs:mns:::/queues/orders/messages\n"+
			"  serviceParams: {MessageBody: $, Priority: 2}\n"+
			"  inputMappings: [{source: $input.n, target: older}]\n")
	v.Start("older", "one", `{"n":7}`)
	token := ""
	for end := time.Now().Add(3 * time.Minute); token == "" &&
		time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, body := range s.MNS.Bodies("orders") {
			if body[0] != '{' {
				token = body
			}
		}
	}
	if _, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{
		TaskToken: token, Output: `{"done":true}`}); err != nil {
		t.Errorf("%v", err)
	}
	for name, want := range map[string]string{"queue": "MessageBodyMD5", "topic": "MessageId",
		"callback": `{"done":true}`, "events": `"failedEntryCount":0`, "api": `"Done":true`,
		"sub": `{"n":7}`, "elsewhere": `"ExecutionName":"e"`, "object": `{"order":1}`,
		"older": "MessageId"} {
		if x := v.Wait(name, "one"); x.Status != "Succeeded" || !strings.Contains(x.Output, want) {
			t.Errorf("%s: %s %s; %v", name, x.Status, x.Output, v.History(name, "one"))
		}
	}
	v.Failed("noqueue", "one", "MNS.QueueNotExist")
	v.Failed("noobject", "one", "OSS.NoSuchKey")
	v.Failed("forbidden", "one", "ECS.Forbidden.RAM")
	v.Failed("unknown", "one", "Gadget.ActionNotSupported")
	if got := s.MNS.Published("news"); len(got) != 1 || got[0] != "text" {
		t.Errorf("published %q", got)
	}
	bodies := strings.Join(s.MNS.Bodies("orders"), "\n")
	for _, want := range []string{`{"n":7}`, `{"older":7}`} {
		if !strings.Contains(bodies, want) {
			t.Errorf("sent %s", bodies)
		}
	}
	calls := strings.Join(s.Users.Calls(), "\n")
	for _, want := range []string{"DescribeInstances PageSize=10&RegionId=cn-hangzhou",
		`"aliyuneventbusname":"bus"`,
		`StartExecution ExecutionName=e&FlowName=theirs&Input={"n":1}`} {
		if !strings.Contains(calls, want) {
			t.Errorf("called %s, want %s", calls, want)
		}
	}
}

// TestRotatingCredentials replaces the role's credentials while executions run. Every service
// refuses the old ones.
func TestRotatingCredentials(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r})
		s.Users.Add("double", double)
		s.MNS.CreateQueue("orders")
		v := s.On(t)
		v.Define("f", "- {Name: A, "+strings.Replace(call("acs:fc:::functions/double", "Sync",
			"RequestComplete"), "End: true", "Next: B", 1)+"}\n"+
			"- {Name: B, Type: Wait, Seconds: 1, Next: C}\n"+
			"- {Name: C, Type: Task, Action: 'MNS:SendMessage', Parameters: {resourceArn: "+
			"'acs:mns:::/queues/orders/messages', message: m}, End: true}\n")
		for i := range 6 {
			v.Start("f", fmt.Sprint("x", i), "{}")
			s.Renew() // requests in progress have the previous ones
			soon(t, func() string { return "it does not come to rest" }, s.Idle)
		}
		for i := range 6 {
			if x := v.Wait("f", fmt.Sprint("x", i)); x.Status != "Succeeded" {
				t.Errorf("%s %s; %v", x.Status, x.Output, v.History("f", fmt.Sprint("x", i)))
			}
		}
		if n := len(s.MNS.Bodies("orders")); n != 6 {
			t.Errorf("%d messages", n)
		}
	})
}
