package reserved_test

import (
	"strings"
	"testing"

	"millrace/shared/task"
	"millrace/shared/task/reserved"
)

func alibaba() *reserved.Resources {
	return reserved.Alibaba("millrace", "millrace-steprunner", "mr-flows", []string{
		"acs:mns:*topics/outcomes", "topics/hints-*", "acs:fc:*:functions/relay*",
	})
}

func function(t *testing.T, resource string) *task.Function {
	t.Helper()
	f, err := task.ParseFunction(resource, "cn-hangzhou", "123")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFunctions: the functions of the deployment are rejected in every spelling.
func TestFunctions(t *testing.T) {
	r := alibaba()
	for _, name := range []string{
		"millrace-api", "millrace-steprunner", "millrace-starter", "millrace-sweeper",
		"Millrace-StepRunner",
	} {
		for _, resource := range []string{"acs:fc:::functions/" + name,
			"acs:fc:cn-beijing:999:functions/" + name, "acs:fc:::functions/" + name + "/LATEST",
			"acs:fc:::functions/" + name + "/live", "acs:fc:::functions/" + name + "/3",
			"acs:fc:::services/any/functions/" + name,
			"acs:fc:::services/any.live/functions/" + name, "acs:fc:::functions/any$" + name} {
			if err := r.CheckFunction(function(t, resource)); err == nil ||
				!strings.Contains(err.Error(), "the engine's own function") {
				t.Errorf("%s: %v", resource, err)
			}
		}
	}
	for _, resource := range []string{
		"acs:fc:::functions/relay", "acs:fc:cn-x:9:functions/relay2/live",
	} {
		if err := r.CheckFunction(function(t, resource)); err == nil ||
			!strings.Contains(err.Error(), "MILLRACE_RESERVED") {
			t.Errorf("%s: %v", resource, err)
		}
	}
	for _, resource := range []string{
		"acs:fc:::functions/charge", "acs:fc:::functions/millrace", "acs:fc:::functions/steprunner",
		"acs:fc:::functions/charge/millrace-api",
	} {
		if err := r.CheckFunction(function(t, resource)); err != nil {
			t.Error(err)
		}
	}
}

// TestSiblings: if the functions' names do not begin with the queue's name, they are derived from
// the name of the running function.
func TestSiblings(t *testing.T) {
	r := reserved.Alibaba("hints", "prod-flows-steprunner", "i", nil)
	for _, name := range []string{
		"prod-flows-api", "prod-flows-steprunner", "prod-flows-starter", "prod-flows-sweeper",
		"hints-steprunner",
	} {
		if r.CheckFunction(function(t, "acs:fc:::functions/"+name)) == nil {
			t.Errorf("%s is called", name)
		}
	}
}

func TestQueues(t *testing.T) {
	r := alibaba()
	for _, name := range []string{
		"millrace", "MILLRACE", "millrace-dead-letters", "millrace-event-dead-letters",
	} {
		if r.CheckQueue("acs:mns:::/queues/"+name, name) == nil {
			t.Errorf("%s is written to", name)
		}
	}
	for _, name := range []string{"outcomes", "hints-x"} {
		if r.CheckTopic("acs:mns:cn-x:1:/topics/"+name+"/messages", name) == nil {
			t.Errorf("%s is written to", name)
		}
	}
	if err := r.CheckQueue("acs:mns:::/queues/orders", "orders"); err != nil {
		t.Error(err)
	}
	if err := r.CheckTopic("acs:mns:::/topics/news", "news"); err != nil {
		t.Error(err)
	}
}

// TestCalls: calls of OpenAPIs that reach a queue, a function, the table or a role are rejected,
// even if they hide the names.
func TestCalls(t *testing.T) {
	r := alibaba()
	r.AddRole("acs:ram::123:role/flows-outside")
	for _, c := range [][]string{
		{"fc", "/2023-03-30/functions/millrace-steprunner/invocations"},
		{"fcv3", "/2023-03-30/functions/millrace%2Dsteprunner/invocations"},
		{"fc-open", "/2021-04-06/services/s.LATEST/functions/millrace-steprunner/invocations"},
		{"fc", "/2023-03-30/functions/MILLRACE-API"},
		{
			"fc", "/2023-03-30/functions/f",
			`{"asyncInvokeConfig":{"destinationConfig":{"onSuccess":` +
				`{"destination":"acs:mns:cn-x:1:queues/millrace"}}}}`,
		},
		{"mns-open", "/", "QueueName", "millrace"},
		{"Mns-Open", "/", "Endpoint", "acs:mns:cn-hangzhou:123:queues/millrace"},
		{"mns", "/queues/millrace/messages"},
		{"mns-open", "/", `{"QueueName":"\u006dillrace"}`},
		{"mns-open", "/", `{"inner":"{\"QueueName\":\"\\u006d\\u0069llrace\"}"}`},
		{"mns-open", "/", `{"QueueName":"\u006dillrace","QueueName":"other"}`},
		{"mns-open", "/", `<Queue>&#109;illrace</Queue>`},
		{"eventbridge", "/", `{"Targets":[{"Endpoint":"acs:mns:cn-x:1:queues/millrace"}]}`},
		{
			"oos", "/",
			"{\"Tasks\":[{\"Action\":\"ACS::FC::InvokeFunction\"," +
				"\"Properties\":{\"functionName\":\"millrace-steprunner\"}}]}",
		},
		{"ros", "/", "queues/millrace/messages"},
		{"tablestore", "/", "InstanceName", "mr-flows"},
		{"ram", "/", "RoleName", "millrace-steprunner"},
		{"sts", "/", "RoleArn", "acs:ram::123:role/millrace-api"},
		{"ecs", "/", "RamRole", "acs:ram::123:role/millrace-api"},
		{"mns-open", "/", "acs:mns:cn-x:1:topics/outcomes"},
		{"mns-open", "/", "TopicName=outcomes"},
		{"mns-open", "/", "TopicName", "Hints-7"},
		{"cms", "/", "MnsParameters.1.Topic=outcomes"},
		{"fc", "/2023-03-30/functions/relay/invocations"},
		{
			"fc", "/2023-03-30/functions/f/async-invoke-config",
			`{"destinationConfig":{"onSuccess":{` +
				`"destination":"acs:mns:cn-hangzhou:123:topics/outcomes"}}}`,
		},
		{"apig", "/v1/services", `{"serviceConfigs":[{"name":"relay-2"}]}`},
		{"apig", "/v1/services", `{"serviceConfigs":[{"name":"millrace-starter"}]}`},
		{"ess", "/", "NotificationArn=acs:ess:cn-hangzhou:123:queue/millrace"},
		{"mts", "/", `NotifyConfig={"QueueName":"millrace"}`},
		{"imm", "/", `Notification={"MNS":{"Queue":{"Names":["a","b","c","millrace"]}}}`},
		{"cms", "/", "MnsParameters.1.Queue=millrace"},
		{"cms", "/", "FcParameters.2.FunctionName=millrace-starter"},
		{"ros", "/", `TemplateBody={"Properties":{"FunctionName":"millrace-starter"}}`},
		{"ram", "/", "RoleName=millrace-tasks"},
		{"ram", "/", "PolicyName=millrace-reserved"},
		{"ram", "/", "PolicyName=millrace-ends"},
		{"sts", "/", "RoleArn=acs:ram::123:role/millrace-tasks"},
		{"ecs", "/", "RamRoleName=millrace-tasks"},
		{"sts", "/", "RoleArn=acs:ram::123:role/flows-outside"},
	} {
		if r.CheckCall(c[0], c[1:]...) == nil {
			t.Errorf("%q is made", c)
		}
	}
	for _, c := range [][]string{
		{"ecs", "/", "Tag.1.Value", "millrace"},
		{"ecs", "/", "InstanceName", "mr-flows"},
		{"fc", "/2023-03-30/functions/charge/invocations", `{"application":"millrace"}`},
		{"mns-open", "/", "QueueName", "millrace-orders"},
		{"cs", "/clusters/millrace-api"},
		{"ecs", "/", "Tag.1.Value=outcomes"},
		{"mns-open", "/", "TopicName=news"},
		{"fc", "/2023-03-30/functions/charge/invocations", `{"outcomes":["hints-7"]}`},
		{"alidns", "/", `100% \ & more`},
	} {
		if err := r.CheckCall(c[0], c[1:]...); err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// TestLambda: the Lambda functions of the stack, with names made by CloudFormation, are rejected.
func TestLambda(t *testing.T) {
	r := reserved.AWS("shop-StepRunnerFunction-AbC123")
	for _, name := range []string{"shop-StepRunnerFunction-AbC123",
		"shop-StepRunnerFunction-AbC123:live", "shop-steprunnerfunction-abc123:$LATEST",
		"shop-ApiFunction-x", "shop-ExpressFunction-y", "shop-StarterFunction-z:1",
		"shop-SweeperFunction-q"} {
		if r.CheckLambda("arn:aws:lambda:eu-west-1:210987654321:function:"+name) == nil {
			t.Errorf("%s is called", name)
		}
	}
	for _, name := range []string{"charge", "shop-mail", "shop-ApiGateway", "ApiFunction"} {
		if err := r.CheckLambda("arn:aws:lambda:us-east-1:123456789012:function:" +
			name); err != nil {
			t.Error(err)
		}
	}
}

// TestCutLambda: names of Lambda functions have at most 64 bytes. CloudFormation truncates the
// stack's or the logical name to fit them.
func TestCutLambda(t *testing.T) {
	const stack = "payments-production-europe-workflow-engine-blue" // 47
	physical := func(stackMax, logicalMax int, name string) string {
		return stack[:min(stackMax, len(stack))] + "-" + name[:min(logicalMax, len(name))] +
			"-1ABCDEFGHIJK"
	}
	names := []string{
		"ApiFunction", "ExpressFunction", "StepRunnerFunction", "StarterFunction",
		"SweeperFunction",
	}
	cuts := map[string]func(name string) string{
		"both":         func(name string) string { return physical(40, 9, name) },
		"logical name": func(name string) string { return physical(47, 64-47-2-13, name) },
		"stack":        func(name string) string { return physical(64-2-13-len(name), 99, name) },
	}
	for how, cut := range cuts {
		for _, running := range names {
			r := reserved.AWS(cut(running))
			for _, name := range names {
				if r.CheckLambda("arn:aws:lambda:eu-west-1:1:function:"+cut(name)+":live") == nil {
					t.Errorf("%s: %s calls %s", how, cut(running), cut(name))
				}
			}
			for _, other := range []string{
				physical(40, 9, "ChargeFunction"), "shipping-" + cut(running)[9:],
				"payments-Api-1ABCDEFGHIJK", stack + "-Mail-1ABCDEFGHIJK",
			} {
				if err := r.CheckLambda("arn:aws:lambda:eu-west-1:1:function:" +
					other); err != nil {
					t.Errorf("%s: %v", how, err)
				}
			}
		}
	}
	// A short name has not been truncated.
	short := reserved.AWS("shop-StepRunnerFunction-1ABCDEFGHIJK")
	const other = "arn:aws:lambda:eu-west-1:1:function:shop-Api-1ABCDEFGHIJK"
	if err := short.CheckLambda(other); err != nil {
		t.Error(err)
	}
}

func TestNone(t *testing.T) {
	var r *reserved.Resources
	if r.CheckQueue("a", "a") != nil || r.CheckTopic("a", "a") != nil ||
		r.CheckCall("fc", "a") != nil || r.CheckLambda("a") != nil ||
		r.CheckFunction(function(t, "acs:fc:::functions/a")) != nil {
		t.Error("nil refuses something")
	}
	if reserved.AWS("").CheckLambda("arn:aws:lambda:us-east-1:123456789012:function:f") != nil {
		t.Error("outside Lambda something is refused")
	}
}

// TestReserved: a name that an operator's pattern reserves is recognised by its kind and name,
// however the pattern is written.
func TestReserved(t *testing.T) {
	r := reserved.Alibaba("millrace", "millrace-steprunner", "mr-flows",
		[]string{"acs:eventbridge:*:*:eventbus/hints", "acs:oss:*:*:inbox", "acs:oss:*:*:inbox/*",
			"acs:fc:*:services/s/functions/old", "acs:mns:*:*:/topics/*"})
	for what, err := range map[string]error{"bus": r.CheckBus("Hints"),
		"bucket": r.CheckBucket("inbox", "k"), "object": r.CheckBucket("inbox", "a/b"),
		"bus of a call":    r.CheckCall("eventbridge", "/", "EventBusName=hints"),
		"bucket of a call": r.CheckCall("imm", "/", "Bucket=inbox"),
		"function of a service": r.CheckCall("fc",
			"/2021-04-06/services/s/functions/old/invocations"), "every topic": r.CheckCall(
			"mns-open", "/", "TopicName=any",
		)} {
		if err == nil || !strings.Contains(err.Error(), "MILLRACE_RESERVED") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"bus": r.CheckBus("default"), "bucket": r.CheckBucket("inbox2", "k"),
		"queue": r.CheckCall("mns-open", "/", "QueueName=orders"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
