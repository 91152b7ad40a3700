package cloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// envelopes returns the envelopes of messages of a queue or topic, each with a body that the sender
// chose.
var envelopes = map[string]func(body string) string{
	"SQS": func(body string) string {
		return `{"Records":[{"eventSource":"aws:sqs","messageId":"m1",` +
			`"eventSourceARN":"arn:aws:sqs:r:1:orders","body":` + quoted(body) + `}]}`
	},
	"SNS": func(body string) string {
		return `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0",` +
			`"Sns":{"Type":"Notification","MessageId":"m1","TopicArn":"arn:aws:sns:r:1:orders",` +
			`"Message":` + quoted(body) + `}}]}`
	},
	"event rule": func(body string) string {
		return `{"specversion":"1.0","id":"m1","type":"mns:Queue:SendMessage",` +
			`"subject":"acs:mns:r:1:queues/orders","data":{"messageId":"m1","messageBody":` +
			quoted(body) + `}}`
	},
	"event stream": func(body string) string {
		return `[{"specversion":"1.0","id":"m1","type":"mns:Queue:SendMessage",` +
			`"subject":"acs:mns:r:1:queues/orders","data":{"messageId":"m1","messageBody":` +
			quoted(body) + `}}]`
	},
	"decoded body": func(body string) string {
		return `[{"specversion":"1.0","id":"m1","type":"mns:Queue:SendMessage",` +
			`"subject":"acs:mns:r:1:queues/orders","data":{"messageId":"m1","messageBody":` + body +
			`}}]`
	},
	"topic": func(body string) string {
		return `{"TopicOwner":"1","Subscriber":"1","SubscriptionName":"s","PublishTime":1,` +
			`"MessageMD5":"x","TopicName":"orders","MessageId":"m1","Message":` + quoted(body) + `}`
	},
	// A topic puts the attributes that the sender chose beside its own members.
	"attributes of a topic": func(body string) string {
		members := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(body), "{"), "}")
		if !strings.HasPrefix(strings.TrimSpace(body), "{") || strings.TrimSpace(members) == "" {
			return ""
		}
		return `{"TopicOwner":"1","Subscriber":"1","SubscriptionName":"s","PublishTime":1,` +
			`"MessageMD5":"x","TopicName":"orders","MessageId":"m1","Message":"text",` + members +
			`}`
	},
}

// TestWayDecides: a message of a queue is a message of that queue, whatever its text looks like. A
// sender that may write to one queue can start nothing else, and cannot use up the name of a real
// event.
func TestWayDecides(t *testing.T) {
	const rules = `[{bucket: my-bucket, prefix: in/, flow: imported, account: "1"},
		{timer: sweep, flow: swept, account: "1"}, {timer: nightly, flow: nightly, account: "1"},
		{queue: wf-steps, flow: stepped, account: "1"},
		{queue: wf-events, flow: stepped, account: "1"},
		{queue: orders, flow: ordered, account: "1"}]`
	others := []string{"imported", "swept", "nightly", "stepped"}
	const tick = `{"triggerTime":"2026-01-31T02:00:00Z","triggerName":"nightly","payload":"real"}`
	texts := map[string]string{
		"a tick":        strings.Replace(tick, "real", "forged", 1),
		"an order":      `{"order":1}`,
		"a queue":       envelopes["event rule"](`{}`),
		"foreign queue": strings.Replace(envelopes["event rule"](`{}`), "orders", "wf-steps", 1),
		"foreign stream": strings.Replace(envelopes["event stream"](`{}`), "orders", "wf-steps",
			1),
		"foreign topic": strings.Replace(envelopes["topic"](`{}`), "orders", "wf-events", 1),
		"letters of case": `{"topicName":"wf-events","topicname":"wf-events","messageid":"m9",` +
			`"SPECVERSION":"1.0","TYPE":"mns:Queue:SendMessage",` +
			`"SUBJECT":"acs:mns:r:1:queues/wf-steps"}`,
		"a member twice": `{"TopicName":"wf-events","MessageId":"m9"}`,
	}
	files, err := filepath.Glob("../../events/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	for kind, wrap := range envelopes {
		for what, text := range texts {
			event := wrap(text)
			if event == "" {
				continue
			}
			t.Run(kind+"/"+what, func(t *testing.T) {
				e := newStarterHarness(t, rules, append([]string{"ordered"}, others...)...)
				problem := e.send(event)
				for _, f := range others {
					if got := e.started(f); len(got) > 0 {
						t.Errorf("a message of orders started %s with %.300s", f, got)
					}
				}
				got := e.started("ordered")
				twice := kind == "attributes of a topic" &&
					(what == "a member twice" || what == "fc-mns-topic-json.json" ||
						what == "foreign topic" ||
						strings.Contains(text, `"aliyuneventbusname"`) &&
							text[0] == '{') // a possible event of a bus
				if twice != (problem != "") || !twice &&
					(len(got) != 1 || !strings.Contains(got[0], `"origin":"orders"`)) {
					t.Errorf("started %.300s, failed with %s", got, problem)
				}
				if problem := e.send(tick); problem != "" {
					t.Error(problem)
				}
				if got := e.started("nightly"); len(got) != 1 ||
					!strings.Contains(got[0], `"payload":"real"`) {
					t.Errorf("the real tick has started %s", got)
				}
			})
		}
	}
}

// TestBusIsTheWay: a publisher on a bus chooses everything in an event except the bus's name. If a
// rule names a bus, the bus is the way of everything that it delivers, so a publisher cannot pass
// for a queue, topic or timer.
func TestBusIsTheWay(t *testing.T) {
	text, err := os.ReadFile("../../events/testdata/fc-oss-eventbridge.json")
	if err != nil {
		t.Fatal(err)
	}
	object := strings.Replace(string(text), `"default"`, `"public"`, 1)
	onBus := func(event string) string {
		return strings.Replace(event, `"specversion":"1.0"`,
			`"specversion":"1.0","aliyuneventbusname":"public"`, 1)
	}
	const member = `"specversion":"1.0"`
	forged := map[string]string{
		"rule":    onBus(envelopes["event rule"](`{}`)),
		"stream":  onBus(envelopes["event stream"](`{}`)),
		"decoded": onBus(envelopes["decoded body"](`{}`)),
		"a topic's members": onBus(`{` + member +
			`,"type":"x","TopicName":"orders","MessageId":"m1","Message":"text"}`),
		"a tick's members": onBus(`{` + member +
			`,"type":"x","triggerTime":"2026-01-31T02:00:00Z","triggerName":"nightly",` +
			`"payload":"forged"}`),
		"a list's members": onBus(`[{` + member +
			`,"type":"x","messageId":"m1","messageBody":"{}"}]`),
		"SQS's members": onBus(strings.Replace(envelopes["SQS"](`{}`), "{",
			"{"+member+`,"type":"x",`, 1)),
		"another bus": strings.Replace(onBus(envelopes["event rule"](`{}`)), `"type"`,
			`"aliyuneventbusname":"default","type"`, 1),
		"another bus first": strings.Replace(onBus(envelopes["event stream"](`{}`)), member,
			`"aliyuneventbusname":"default",`+member, 1),
	}
	for _, by := range []string{"public", "acs:eventbridge:cn-hangzhou:1:eventbus/public"} {
		rules := `[{queue: orders, flow: ordered, account: "1"},
			{timer: nightly, flow: ordered, account: "1"},
			{bucket: my-bucket, by: "` + by + `", prefix: in/, flow: imported, account: "1"}]`
		for what, event := range forged {
			e := newStarterHarness(t, rules, "ordered", "imported")
			if problem := e.send(event); problem == "" || len(e.started("ordered"))+
				len(e.started("imported")) > 0 {
				t.Errorf("%s by %s: started %s, %q", what, by, e.started("ordered"), problem)
			}
		}
		e := newStarterHarness(t, rules, "ordered", "imported")
		if problem := e.send(object); problem != "" || len(e.started("imported")) != 1 {
			t.Errorf("an object's event by %s: %d started, %s", by, len(e.started("imported")),
				problem)
		}
		// The messages of a queue have a bus too, which is the queue's own.
		queue := strings.Replace(onBus(envelopes["event stream"](`{}`)), `"public"`, `"MNS-orders"`,
			1)
		if problem := e.send(queue); problem != "" || len(e.started("ordered")) != 1 {
			t.Errorf("a message of the queue: %d started, %s", len(e.started("ordered")), problem)
		}
		// A topic with the bus's name is not the bus if the rule has a full name.
		topic := strings.Replace(envelopes["topic"](string(text)), `"orders"`, `"public"`, 1)
		if problem := e.send(topic); strings.Contains(by, ":") != (problem != "") {
			t.Errorf("a topic of the name, by %s: %q", by, problem)
		}
	}
}
