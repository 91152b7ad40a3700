package fc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/clouds"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/fc"
)

// flowV1Async waits for a function, with an id that the flow chooses.
const flowV1Async = "version: v1\ntype: flow\nsteps:\n- type: task\n  name: pay\n" +
	"  resourceArn: acs:fc:::functions/FN\n  pattern: sync\n" +
	"  serviceParams: {InvocationType: Async, StatefulAsyncInvocationID: $.id}\n" +
	"  outputMappings: [{source: $local.paid, target: paid}]\n"

// twoAccounts are the callers of a stack: its own account, and a second one.
const twoAccounts = `{"accounts":[{"id":"` + clouds.Account + `","keys":[{"id":"` + clouds.KeyID +
	`","secret":"` + clouds.Secret + `"}]},` +
	`{"id":"2","keys":[{"id":"thief","secret":"thief-secret-of-16"}]}]}`

func second(t *testing.T, s *fc.Stack) *fc.Stack {
	t.Helper()
	c, err := client.New(client.Options{Endpoint: s.Trigger, AccessKeyID: "thief",
		Secret: "thief-secret-of-16"})
	if err != nil {
		t.Fatal(err)
	}
	thief := *s.On(t)
	thief.Client, thief.Watcher = c, c
	return &thief
}

// record returns what a function's destination sends.
func record(id, function, paid string) string {
	text, _ := json.Marshal(map[string]any{"timestamp": 1, "requestContext": map[string]any{
		"requestId": id, "functionArn": function, "condition": ""},
		"responseContext": map[string]any{"statusCode": 200}, "responsePayload": `{"paid":"` +
			paid + `"}`})
	return string(text)
}

// details returns the details of the events of an execution "one".
func details(t *testing.T, s *fc.Stack, flow string) (all string) {
	t.Helper()
	h, err := s.Client.GetExecutionHistory(t.Context(), cloudflow.GetExecutionHistoryRequest{
		FlowName: flow, ExecutionName: "one"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range h.Events {
		if strings.Contains(e.Type, "Failed") {
			all += e.EventDetail + " "
		}
	}
	return all
}

// submitted waits until an execution waits for an outcome.
func submitted(t *testing.T, s *fc.Stack, flow, name string) {
	t.Helper()
	soon(t, func() string {
		return flow + " does not wait: " + strings.Join(s.History(flow, name), " ")
	}, func() bool {
		return strings.Contains(strings.Join(s.History(flow, name), " "), "TaskSubmitted")
	})
}

// TestFlowsDoNotReachTheEngine checks that the flows of another account cannot reach the engine,
// however they write its queue, its functions and its topics, even if the cloud's policies would
// allow it.
func TestFlowsDoNotReachTheEngine(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Credentials: twoAccounts, Lax: true,
		Env: []string{"MILLRACE_RESERVED=acs:mns:*:topics/forward*",
			"MILLRACE_PRODUCTS={fcv3: {version: 2023-03-30, style: roa}, mns-open: {version: " +
				"2022-01-19}}",
			"ALIBABA_CLOUD_ENDPOINT_URL_FCV3=http://127.0.0.1:1",
			"ALIBABA_CLOUD_ENDPOINT_URL_MNS_OPEN=http://127.0.0.1:1"}})
	s.MNS.CreateTopic("forwarded")
	release := make(chan bool)
	s.Users.Add("slow", func([]byte) (string, bool) {
		<-release
		return `{"paid":"really"}`, false
	})
	victim, thief := s.On(t), second(t, s)
	victim.DefineText("pay", strings.Replace(flowV1Async, "FN", "slow", 1))
	victim.Start("pay", "one", `{"id":"order-7"}`)
	submitted(t, victim, "pay", "one")

	forged := record("order-7", "acs:fc:"+harness.Region+":"+harness.AccountID+":functions/slow",
		"forged")
	quoted := "'" + forged + "'"
	send := func(arn string) string {
		return "Action: 'MNS:SendMessage', Parameters: {resourceArn: '" + arn + "', message: " +
			quoted + "}"
	}
	invoke := func(arn, kind string) string {
		return "Action: 'FC:InvokeFunction', Parameters: {resourceArn: '" + arn +
			"', invocationType: " + kind + ", body: '[" + forged + "]'}"
	}
	call := func(action, parameters string) string {
		return "Action: '" + action + "', Parameters: {" + parameters + ", Method: POST, Body: '[" +
			forged + "]'}"
	}
	const own = harness.Region + ":" + harness.AccountID
	ways := map[string]string{
		"queue":     send("acs:mns:::/queues/millrace/messages"),
		"queuefull": send("acs:mns:" + own + ":/queues/millrace/messages"),
		// of the input, without a slash
		"queuebare": "Action: 'MNS:SendMessage', Parameters: {resourceArn.$: $Input.arn, " +
			"message: " + quoted + "}",
		"queueelsewhere":  send("acs:mns:cn-beijing:999:/queues/millrace/messages"),
		"queuecase":       send("acs:mns:::/queues/Millrace/messages"),
		"letters":         send("acs:mns:::/queues/millrace-dead-letters/messages"),
		"eventletters":    send("acs:mns:::/queues/millrace-event-dead-letters/messages"),
		"topic":           send("acs:mns:::/topics/forwarded/messages"),
		"runner":          invoke("acs:fc:::functions/steprunner", "Sync"),
		"runnerasync":     invoke("acs:fc:::functions/steprunner", "Async"),
		"runnerlatest":    invoke("acs:fc:::functions/steprunner/LATEST", "Sync"),
		"runneralias":     invoke("acs:fc:"+own+":functions/steprunner/live", "Sync"),
		"runnerelsewhere": invoke("acs:fc:cn-beijing:999:functions/steprunner", "Sync"),
		"runnerservice":   invoke("acs:fc:::services/any/functions/steprunner", "Sync"),
		"runnermoved":     invoke("acs:fc:::functions/any$steprunner", "Sync"),
		"sweeper":         invoke("acs:fc:::functions/sweeper", "Sync"),
		"starter":         invoke("acs:fc:::functions/starter", "Sync"),
		"api":             invoke("acs:fc:::functions/api", "Sync"),
		"openapi": call("FC:InvokeFunction2",
			"Path: /2023-03-30/functions/steprunner/invocations"),
		"openapiparameter": call("FC:InvokeFunction2",
			"Path: '/2023-03-30/functions/step{end}/invocations', end: runner"),
		"openapiproduct": call("fcv3:InvokeFunction",
			"Path: /2023-03-30/functions/steprunner/invocations"),
		"openapiqueue": "Action: 'mns-open:Send', Parameters: {QueueName: millrace, Body: " +
			quoted + "}",
	}
	for name, states := range ways {
		thief.Define(name, "- {Name: A, Type: Task, "+states+", End: true}\n")
		thief.Start(name, "one", `{"arn":"acs:mns:`+own+`:queues/millrace"}`)
	}
	thief.DefineText("older",
		"version: v1\ntype: flow\nsteps:\n- type: task\n  name: a\n"+
			"  resourceArn: acs:mns:::/queues/millrace/messages\n  serviceParams: {MessageBody: "+
			quoted+"}\n")
	thief.Start("older", "one", "{}")
	ways["older"] = ""
	for name := range ways {
		x, why := thief.Wait(name, "one"), details(t, thief, name)
		if x.Status != "Failed" || !strings.Contains(why, "AccessDenied") ||
			!strings.Contains(why, "no flow's target") &&
				!strings.Contains(why, "belongs to another account") {
			t.Errorf("%s: %s %s; %s", name, x.Status, x.Output, why)
		}
	}
	close(release)
	victim.Succeeded("pay", "one", `{"paid":"really"}`)
	if got := s.MNS.Published("forwarded"); len(got) != 0 {
		t.Errorf("published %q", got)
	}
}

// TestForgedRecords puts records into the engine's queue that the cloud did not send: of other
// functions, accounts and regions, of none, and of the right function with a guessed id before it
// has ended. A function whose role may send to the queue can do that.
func TestForgedRecords(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Credentials: twoAccounts})
	release := make(chan bool)
	s.Users.Add("slow", func([]byte) (string, bool) {
		<-release
		return `{"paid":"really"}`, false
	})
	s.Users.ByTask = true
	v := s.On(t)
	v.DefineText("pay", strings.Replace(flowV1Async, "FN", "slow", 1))
	v.Start("pay", "one", `{"id":"order-7"}`)
	submitted(t, v, "pay", "one")
	const own = harness.Region + ":" + harness.AccountID
	for _, function := range []string{"acs:fc:x", "acs:fc:" + own + ":functions/other",
		"acs:fc:" + own + ":functions/slow2", "acs:fc:cn-beijing:" + harness.AccountID +
			":functions/slow",
		"acs:fc:" + harness.Region + ":999:functions/slow",
		"acs:fc:" + own + ":services/s/functions/slow", "acs:fc:" + own + ":functions/slow#x",
		"acs:fc:" + own + ":functions/slow", "acs:fc:" + own + ":functions/slow/LATEST",
		"acs:fc:::functions/slow/live"} {
		s.Send(record("order-7", function, "forged"))
	}
	s.Send(record(strings.Repeat("x", 5000), "acs:fc:"+own+":functions/slow", "forged"))
	soon(t, func() string { return "the queue is not worked on" }, func() bool { return s.Idle() })
	if d := v.History("pay", "one"); !strings.HasSuffix(strings.Join(d, " "), "TaskSubmitted") {
		t.Errorf("a forged record counts: %v", d)
	}
	close(release)
	v.Succeeded("pay", "one", `{"paid":"really"}`)
}

// TestEndsOfOthersAreNotRead checks that the result of an asynchronous invocation is read only for
// the flow that made it, even if the cloud's policies would allow the role of tasks to read it.
func TestEndsOfOthersAreNotRead(t *testing.T) {
	for _, lax := range []bool{false, true} {
		t.Run(fmt.Sprint(lax), func(t *testing.T) {
			t.Parallel()
			s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Credentials: twoAccounts,
				Lax: lax})
			release := make(chan bool)
			s.Users.Add("slow", func([]byte) (string, bool) {
				<-release
				return `{"paid":"secret of account 1"}`, false
			})
			victim, thief := s.On(t), second(t, s)
			victim.DefineText("pay", strings.Replace(flowV1Async, "FN", "slow", 1))
			victim.Start("pay", "one", `{"id":"order-7"}`)
			submitted(t, victim, "pay", "one")
			close(release)
			victim.Succeeded("pay", "one", `{"paid":"secret of account 1"}`)
			for name, path := range map[string]string{
				"get":  "/2023-03-30/functions/slow/async-tasks/order-7",
				"list": "/2023-03-30/functions/slow/async-tasks",
				"older": "/2021-04-06/services/s/functions/slow/" +
					"stateful-async-invocations/order-7",
				"escaped": "/2023-03-30/functions/slow/async%2Dtasks/order-7",
			} {
				thief.Define(name,
					"- {Name: A, Type: Task, Action: 'FC:GetAsyncTask', Parameters: {Path: '"+path+
						"'}, End: true}\n")
				thief.Start(name, "one", "{}")
				thief.Failed(name, "one", "FC.AccessDenied")
			}
		})
	}
}

// TestSameIDOnOtherFunctions lets two accounts choose the same id for different functions. Each
// must get the outcome of its own function, whatever a record names.
func TestSameIDOnOtherFunctions(t *testing.T) {
	for _, byTask := range []bool{false, true} {
		t.Run(fmt.Sprint(byTask), func(t *testing.T) {
			t.Parallel()
			s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Credentials: twoAccounts})
			s.Users.ByTask = byTask
			release := make(chan bool)
			s.Users.Add("slow", func([]byte) (string, bool) {
				<-release
				return `{"paid":"secret of account 1"}`, false
			})
			s.Users.Add("quick", func([]byte) (string, bool) {
				<-release
				return `{"paid":"of account 2"}`, false
			})
			victim, thief := s.On(t), second(t, s)
			victim.DefineText("pay", strings.Replace(flowV1Async, "FN", "slow", 1))
			thief.DefineText("steal", strings.Replace(flowV1Async, "FN", "quick", 1))
			victim.Start("pay", "one", `{"id":"order-9"}`)
			submitted(t, victim, "pay", "one")
			thief.Start("steal", "one", `{"id":"order-9"}`)
			submitted(t, thief, "steal", "one")
			close(release)
			victim.Succeeded("pay", "one", `{"paid":"secret of account 1"}`)
			thief.Succeeded("steal", "one", `{"paid":"of account 2"}`)
		})
	}
}

// TestTasksHaveARoleOfTheirOwn checks that no request of a flow is signed with the engine's role:
// without a role for tasks such a call is refused, and with one each instance assumes it once. The
// engine itself goes on.
func TestTasksHaveARoleOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom})
	none := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Env: []string{"MILLRACE_TASK_ROLE="}})
	flow := "- {Name: A, " + strings.Replace(call("acs:fc:::functions/double", "Sync",
		"RequestComplete"), "End: true", "Next: B", 1) + "}\n" +
		"- {Name: B, Type: Task, Action: 'MNS:SendMessage', Parameters: {resourceArn: " +
		"'acs:mns:::/queues/orders/messages', message: m}, End: true}\n"
	for _, one := range []*fc.Stack{s, none} {
		one.Users.Add("double", double)
		one.MNS.CreateQueue("orders")
		one.On(t).Define("f", flow)
		one.On(t).Define("pass", "- {Name: A, Type: Pass, End: true}\n")
		for i := range 20 {
			one.On(t).Start("f", fmt.Sprint("x", i), "{}")
		}
		one.On(t).Start("pass", "one", "{}")
	}
	for i := range 20 {
		if x := s.On(t).Wait("f", fmt.Sprint("x", i)); x.Status != "Succeeded" {
			t.Errorf("%s %s; %v", x.Status, x.Output, s.History("f", fmt.Sprint("x", i)))
		}
		none.On(t).Failed("f", fmt.Sprint("x", i), "FC.AccessDenied")
	}
	s.On(t).Succeeded("pass", "one", `{}`)
	none.On(t).Succeeded("pass", "one", `{}`)
	if n, instances := s.Assumed(), s.StepRunner.ColdStarts(); n == 0 || int64(n) > instances {
		t.Errorf("the role was taken %d times by %d instances", n, instances)
	}
	if n := none.Assumed(); n != 0 {
		t.Errorf("the role was taken %d times", n)
	}
}

// TestOutcomesBeforeTheirNotes lets a function end before its caller knows the id of the invocation
// that is in its record. The record waits in the queue until the note exists, and nothing waits
// behind it.
func TestOutcomesBeforeTheirNotes(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom})
	s.Users.Add("double", double)
	// the record is in the queue
	s.Users.Accepted = func() bool { time.Sleep(4 * time.Second); return false }
	v := s.On(t)
	v.Define("async", "- {Name: A, "+call("acs:fc:::functions/double", "Async",
		"WaitForSystemCallback")+"}\n")
	v.Start("async", "one", `{"n":21}`)
	if x := v.Wait("async", "one"); x.Status != "Succeeded" || !strings.Contains(x.Output, "42") {
		t.Errorf("%s %s; %v", x.Status, x.Output, v.History("async", "one"))
	}
}

// TestAttack2Async lets a flow of another account choose the id of a task for the same function. It
// must get neither that task's end nor another one, and a forged record of the id must change
// nothing.
func TestAttack2Async(t *testing.T) {
	t.Parallel()
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Credentials: twoAccounts})
	s.Users.ByTask = true
	release := make(chan bool)
	s.Users.Add("slow", func([]byte) (string, bool) {
		<-release
		return `{"paid":"secret of account 1"}`, false
	})
	victim, thief := s.On(t), second(t, s)
	victim.DefineText("pay", strings.Replace(flowV1Async, "FN", "slow", 1))
	thief.DefineText("steal", strings.Replace(flowV1Async, "FN", "slow", 1))
	victim.Start("pay", "one", `{"id":"order-9"}`)
	submitted(t, victim, "pay", "one")
	thief.Start("steal", "one", `{"id":"order-9"}`)
	s.Send(record("order-9", "acs:fc:"+harness.Region+":"+harness.AccountID+":functions/slow",
		"forged"))
	if x := thief.Wait("steal", "one"); x.Status != "Failed" || strings.Contains(x.Output, "paid") {
		t.Errorf("%s %s", x.Status, x.Output)
	}
	close(release)
	victim.Succeeded("pay", "one", `{"paid":"secret of account 1"}`)
}
