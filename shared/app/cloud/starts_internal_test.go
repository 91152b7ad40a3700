package cloud

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
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
