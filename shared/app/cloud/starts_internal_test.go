package cloud

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/faas"
	"millrace/shared/flow"
)

// starterHarness is the starter as a function has it, with flows that it may start.
type starterHarness struct {
	t       *testing.T
	service *cloudflow.Service
	handle  faas.Handler
	flows   []string
}

func newStarterHarness(t *testing.T, rules string, flows ...string) *starterHarness {
	t.Helper()
	log := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // many events fail in these tests
	t.Cleanup(func() { slog.SetDefault(log) })
	_, service, st := newAcceptor(t)
	for _, name := range flows {
		definition := "Type: StateMachine\nSpecVersion: v1\nName: " + name +
			"\nStartAt: A\nStates:\n- {Name: A, Type: Pass, End: true}\n"
		if _, err := service.CreateFlow(t.Context(), cloudflow.Caller{Account: "1"},
			cloudflow.CreateFlowRequest{Name: name, Definition: definition}); err != nil {
			t.Fatal(err)
		}
	}
	c := &App{
		config:  Config{Starts: rules},
		service: service,
		store:   st,
		limits:  flow.DefaultLimits(),
		log:     slog.New(slog.DiscardHandler),
	}
	start, err := c.Starter()
	if err != nil {
		t.Fatal(err)
	}
	return &starterHarness{t, service, faas.Events(start), flows}
}

// send delivers an event twice, and checks that nothing starts twice. It returns the error, "" for
// none.
func (e *starterHarness) send(event string) string {
	e.t.Helper()
	deliver := func() string {
		text, err := e.handle(e.t.Context(), []byte(event))
		if err != nil {
			return err.Error()
		}
		var reply struct{ BatchItemFailures []any }
		if json.Unmarshal(text, &reply) == nil && len(reply.BatchItemFailures) > 0 {
			return string(text)
		}
		return ""
	}
	first, again := deliver(), deliver()
	if (first == "") != (again == "") {
		e.t.Errorf("first %q, then %q", first, again)
	}
	return first
}

// started returns the inputs of a flow's executions.
func (e *starterHarness) started(flow string) (inputs []string) {
	e.t.Helper()
	page, err := e.service.ListExecutions(e.t.Context(), cloudflow.Caller{Account: "1"},
		cloudflow.ListExecutionsRequest{FlowName: flow})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, x := range page.Executions {
		inputs = append(inputs, x.Input)
	}
	return inputs
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a plain text
	}
	return string(text)
}

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
		"a tick":          strings.Replace(tick, "real", "forged", 1),
		"an order":        `{"order":1}`,
		"a queue":         envelopes["event rule"](`{}`),
		"another's queue": strings.Replace(envelopes["event rule"](`{}`), "orders", "wf-steps", 1),
		"another's stream": strings.Replace(envelopes["event stream"](`{}`), "orders", "wf-steps",
			1),
		"another's topic": strings.Replace(envelopes["topic"](`{}`), "orders", "wf-events", 1),
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
						what == "another's topic" ||
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

// TestEventsByQueue: a queue that a rule names for a bucket's events delivers only those, in every
// envelope that they can have; and events that match the rule must come by that queue.
func TestEventsByQueue(t *testing.T) {
	const rules = `[{bucket: my-bucket, by: notices, prefix: in/, flow: imported, account: "1"},
		{timer: nightly, flow: nightly, account: "1"},
		{bucket: direct, prefix: in/, flow: straight, account: "1"}]`
	read := func(name string) string {
		text, err := os.ReadFile("../../events/testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	notice := func(message string) string {
		return `{"Type":"Notification","MessageId":"n","TopicArn":"arn:aws:sns:r:1:t","Message":` +
			quoted(message) + `}`
	}
	failed := func(payload string) string {
		return `{"version":"1.0","requestContext":{"requestId":"r",` +
			`"functionArn":"arn:aws:lambda:r:1:function:starter","condition":"RetriesExhausted"},` +
			`"requestPayload":` + payload + `}`
	}
	put := read("aws-s3-put")
	for what, c := range map[string]struct {
		body  string
		count int
	}{
		"S3":                      {put, 2},
		"EventBridge":             {read("aws-s3-eventbridge"), 1},
		"test event":              {read("aws-s3-test-event"), 0},
		"SNS":                     {notice(put), 2},
		"test through SNS":        {notice(read("aws-s3-test-event")), 0},
		"EventBridge through SNS": {notice(read("aws-s3-eventbridge")), 1},
		"a letter":                {failed(put), 2},
		"a letter as text":        {failed(quoted(read("fc-oss-trigger"))), 1},
		"a letter of SNS": {failed(strings.Replace(envelopes["SNS"](put), "orders", "t",
			1)), 2},
		"OSS":                     {read("fc-oss-mns"), 1},
		"OSS's own":               {read("fc-oss-trigger"), 1},
		"OSS through EventBridge": {read("fc-oss-eventbridge"), 1},
		"a tick": {`{"triggerTime":"2026-01-31T02:00:00Z",` +
			`"triggerName":"nightly","payload":""}`, -1},
		"a letter of a tick": {failed(
			`{"triggerTime":"2026-01-31T02:00:00Z","triggerName":"nightly","payload":""}`), -1},
		"text":                  {"text", -1},
		"a message":             {envelopes["event rule"]("{}"), -1},
		"envelopes without end": {notice(notice(notice(notice(notice(put))))), -1},
	} {
		for kind, wrap := range envelopes {
			if kind == "attributes of a topic" || kind == "decoded body" {
				continue
			}
			e := newStarterHarness(t, rules, "imported", "nightly", "straight")
			problem := e.send(strings.ReplaceAll(wrap(c.body), "orders", "notices"))
			if got := len(e.started("imported")); got != max(c.count, 0) ||
				(problem != "") != (c.count < 0) || len(e.started("nightly")) > 0 {
				t.Errorf("%s by %s: %d started, %d ticks, %s", what, kind, got,
					len(e.started("nightly")), problem)
			}
		}
	}
	// An event by another way is an error that names the way, whichever way it is.
	for _, event := range []string{put, read("fc-oss-trigger"),
		strings.Replace(envelopes["SQS"](strings.ReplaceAll(put, "my-bucket", "direct")), "orders",
			"notices", 1)} {
		e := newStarterHarness(t, rules, "imported", "nightly", "straight")
		if problem := e.send(event); problem == "" || len(e.started("imported"))+
			len(e.started("straight")) > 0 {
			t.Errorf("%.80s: started %s, %q", event, e.started("imported"), problem)
		}
	}
	e := newStarterHarness(t, rules, "imported", "nightly", "straight")
	if problem := e.send(put); !strings.Contains(problem, "by notices") {
		t.Error(problem)
	}
	// A message of a queue without a rule is not dropped silently.
	if problem := e.send(envelopes["event rule"]("{}")); !strings.Contains(problem,
		"no rule of MILLRACE_STARTS is for messages of acs:mns:r:1:queues/orders") {
		t.Error(problem)
	}
	// A bus that others may publish on is a way of its own.
	if problem := e.send(strings.Replace(read("fc-oss-eventbridge"), `"default"`, `"public"`,
		1)); !strings.Contains(problem, "it came by eventbus/public") {
		t.Error(problem)
	}
	// A short name matches the queue of every account, a full name only itself.
	whole := newStarterHarness(
		t, `[{bucket: my-bucket, by: "arn:aws:sqs:r:1:orders", prefix: in/, flow: imported, `+
			`account: "1"}]`, "imported")
	if problem := whole.send(strings.Replace(envelopes["SQS"](put), "r:1:", "r:2:",
		1)); problem == "" || len(whole.started("imported")) > 0 {
		t.Errorf("a queue of another account: %s", whole.started("imported"))
	}
	if problem := whole.send(envelopes["SQS"](put)); problem != "" ||
		len(whole.started("imported")) != 2 {
		t.Errorf("%s, %s", whole.started("imported"), problem)
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

// TestUnreadableRecords: a record that cannot be read does not block the readable ones of its
// event, in any envelope. The event still fails, so that it becomes a dead letter.
func TestUnreadableRecords(t *testing.T) {
	s3 := func(key, size string) string {
		return `{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",` +
			`"s3":{"bucket":{"name":"b"},"object":{"key":"` + key + `","size":` + size +
			`,"sequencer":"S"}}}`
	}
	oss := func(key, size string) string {
		return `{"eventSource":"acs:oss","eventName":"ObjectCreated:PutObject","region":"r",` +
			`"oss":{"bucket":{"name":"b"},"object":{"key":"` + key + `","size":` + size +
			`,"eTag":"e"}}}`
	}
	bad := map[string][]string{
		"Records": {s3("in/x%", "1"), s3("in/x", `"12"`), s3("", "1"), s3("in/x", "1e400"), "7",
			"null", "{}", `"text"`, `[]`, `{"eventSource":"aws:s3","s3":7}`,
			`{"eventSource":7}`, strings.Replace(s3("in/x", "1"), `"b"`, `7`, 1),
			strings.Replace(s3("in/x", "1"), "ObjectCreated:Put", "", 1)},
		"events": {oss("", "1"), oss("in/x", `{}`), oss("in/x", `"many"`), "7", "null", "{}",
			`"text"`, `[]`, `{"eventSource":"acs:oss","oss":7}`,
			strings.Replace(oss("in/x", "1"), `"b"`, `7`, 1)},
	}
	straight := func(event string) string { return event }
	notice := func(event string) string {
		return envelopes["SQS"](
			`{"Type":"Notification","MessageId":"n","TopicArn":"arn:aws:sns:r:1:t","Message":` +
				quoted(event) + `}`)
	}
	for list, records := range bad {
		good := map[string]func(string, string) string{"Records": s3, "events": oss}[list]
		for kind, wrap := range map[string]func(string) string{
			"straight":     straight,
			"SQS":          envelopes["SQS"],
			"SNS":          envelopes["SNS"],
			"SNS to SQS":   notice,
			"event stream": envelopes["event stream"],
		} {
			for _, r := range records {
				for _, order := range [][]string{{r, good("in/1", "1"), good("in/2", "2")},
					{good("in/1", "1"), r, good("in/2", "2")},
					{good("in/1", "1"), good("in/2", "2"), r}} {
					e := newStarterHarness(t,
						`[{bucket: b, prefix: in/, flow: imported, account: "1"}, {bucket: b, by: `+
							`orders, prefix: in/, flow: imported, account: "1"}]`, "imported")
					problem := e.send(wrap(`{"` + list + `":[` + strings.Join(order, ",") + `]}`))
					if got := e.started("imported"); len(got) != 2 || problem == "" {
						t.Errorf("%s: %s: %d started, failed with %q", kind, order, len(got),
							problem)
					}
				}
			}
		}
	}
	many := newStarterHarness(t, `[{bucket: b, prefix: in/, flow: imported, account: "1"}]`,
		"imported")
	if problem := many.send(`{"Records":[` + strings.Repeat(s3("in/%", "1")+",", 1000) +
		s3("in/1", "1") + `]}`); len(problem) > 2000 || !strings.Contains(problem, "and 992 more") {
		t.Errorf("%d bytes: %.100s", len(problem), problem)
	}
	if len(many.started("imported")) != 1 {
		t.Error("the good one was not started")
	}
}

// TestFolderMarkers: consoles show a folder as an empty object whose key ends with a slash. It does
// not count as a new object.
func TestFolderMarkers(t *testing.T) {
	record := func(key string, size int) string {
		return fmt.Sprintf(
			`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",`+
				`"s3":{"bucket":{"name":"b"},"object":{"key":%q,"size":%d,"sequencer":"S"}}}]}`,
			key, size)
	}
	for folders, want := range map[string][]string{
		"":                {"in/a", "in/full/"},
		", folders: true": {"in/", "in/a", "in/deep/", "in/full/"},
	} {
		e := newStarterHarness(t, `[{bucket: b, prefix: in/, flow: imported, account: "1"`+folders+
			`}]`, "imported")
		for key, size := range map[string]int{"in/": 0, "in/deep/": 0, "in/full/": 7, "in/a": 0} {
			if problem := e.send(record(key, size)); problem != "" {
				t.Error(problem)
			}
		}
		var keys []string
		for _, input := range e.started("imported") {
			var x struct{ Key string }
			if err := json.Unmarshal([]byte(input), &x); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, x.Key)
		}
		if slices.Sort(keys); !slices.Equal(keys, want) {
			t.Errorf("folders %q: started %q, want %q", folders, keys, want)
		}
	}
}

// TestTickNames: ticks of one timer at one time have different names for different flows and
// owners.
func TestTickNames(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range []string{`flow: a, account: "1"`, `flow: b, account: "1"`,
		`flow: a, account: "2"`} {
		_, service, st := newAcceptor(t)
		account := rule[len(rule)-2 : len(rule)-1]
		name := rule[len("flow: ") : len("flow: ")+1]
		definition := "Type: StateMachine\nSpecVersion: v1\nName: " + name +
			"\nStartAt: A\nStates:\n- {Name: A, Type: Pass, End: true}\n"
		if _, err := service.CreateFlow(t.Context(), cloudflow.Caller{Account: account},
			cloudflow.CreateFlowRequest{Name: name, Definition: definition}); err != nil {
			t.Fatal(err)
		}
		c := &App{
			config:  Config{Starts: "[{timer: nightly, " + rule + "}]"},
			service: service,
			store:   st,
			limits:  flow.DefaultLimits(),
			log:     slog.New(slog.DiscardHandler),
		}
		start, err := c.Starter()
		if err != nil {
			t.Fatal(err)
		}
		const tick = `{"triggerTime":"2026-01-31T02:00:00Z","triggerName":"nightly","payload":""}`
		if _, err := faas.Events(start)(t.Context(), []byte(tick)); err != nil {
			t.Fatal(err)
		}
		page, err := service.ListExecutions(t.Context(), cloudflow.Caller{Account: account},
			cloudflow.ListExecutionsRequest{FlowName: name})
		if err != nil || len(page.Executions) != 1 {
			t.Fatal(page, err)
		}
		if n := page.Executions[0].Name; names[n] {
			t.Errorf("%s is the name of two ticks", n)
		} else {
			names[n] = true
		}
	}
}
