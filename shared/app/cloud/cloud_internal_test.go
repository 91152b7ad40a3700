package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/events"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// newAcceptor returns an engine, a service and a store as a function has them.
func newAcceptor(t *testing.T) (*engine.Engine, *cloudflow.Service, *store.Store) {
	t.Helper()
	s := store.New(store.Options{Driver: memstore.New()})
	limits := flow.DefaultLimits()
	r := engine.New(engine.Options{
		Store:    s,
		Queue:    memqueue.New(memqueue.Options{}),
		Compile:  fdl.Compiler(limits),
		Limits:   limits,
		Topology: engine.Functions,
		Tasks: task.RunnerFunc(func(context.Context, task.Request) task.Result {
			return task.Result{}
		}),
	})
	return r, cloudflow.New(cloudflow.Options{Store: s, Engine: r, Limits: limits}), s
}

func TestStarter(t *testing.T) {
	_, service, st := newAcceptor(t)
	const definition = "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n- " +
		"{Name: A, Type: Pass, End: true}\n"
	if _, err := service.CreateFlow(t.Context(), cloudflow.Caller{Account: "1"},
		cloudflow.CreateFlowRequest{Name: "f", Definition: definition}); err != nil {
		t.Fatal(err)
	}
	rules, err := startRules(
		`[{bucket: b, prefix: none/, flow: nobody, account: "1"}, {bucket: b, prefix: in/, ` +
			`suffix: .json, flow: f, account: "1"}, {bucket: b, prefix: gone/, events: ` +
			`["ObjectRemoved:*"], flow: f, account: "1"}]`)
	if err != nil {
		t.Fatal(err)
	}
	s := &starter{
		rules:   rules,
		service: service,
		store:   st,
		limits:  flow.DefaultLimits(),
		log:     slog.New(slog.DiscardHandler),
	}
	event := func(name, bucket, key string) events.StartEvent {
		return events.StartEvent{
			Source:    "aws:s3",
			Event:     name,
			Bucket:    bucket,
			Key:       key,
			Sequencer: "1",
			Record:    []byte(`{"x":"` + strings.Repeat("y", 100_000) + `"}`),
		}
	}
	all := []events.StartEvent{event("ObjectCreated:Put", "b", "in/a.json"),
		event("ObjectCreated:Put", "b", "in/a.txt"),
		event("ObjectCreated:Put", "other", "in/a.json"),
		event("ObjectRemoved:Delete", "b", "in/a.json"),
		event("ObjectRemoved:Delete", "b", "gone/a"), event("ObjectCreated:Copy", "b", "gone/a")}
	for range 2 {
		if err := s.start(t.Context(), all); err != nil {
			t.Error(err)
		}
	}
	page, err := service.ListExecutions(t.Context(), cloudflow.Caller{Account: "1"},
		cloudflow.ListExecutionsRequest{FlowName: "f"})
	if err != nil || len(page.Executions) != 2 {
		t.Fatalf("%+v %v", page, err)
	}
	for _, x := range page.Executions {
		if x.Name != all[0].Name("1", "f") && x.Name != all[4].Name("1", "f") ||
			strings.Contains(x.Input, "record") {
			t.Errorf("%s %.200s", x.Name, x.Input)
		}
	}
	if err := s.start(t.Context(), []events.StartEvent{event("ObjectCreated:Put", "b", "none/x"),
		event("ObjectCreated:Put", "b", "in/later.json")}); err == nil ||
		!strings.Contains(err.Error(), "nobody") {
		t.Errorf("a flow that is not there: %v", err)
	}
	if page, _ = service.ListExecutions(t.Context(), cloudflow.Caller{Account: "1"},
		cloudflow.ListExecutionsRequest{FlowName: "f"}); len(page.Executions) != 3 {
		t.Error("an event that fails has kept another from its start")
	}
}

// TestStarterWithoutObjects: messages and timers start flows by rules of their own, once per event,
// however often it is delivered.
func TestStarterWithoutObjects(t *testing.T) {
	_, service, st := newAcceptor(t)
	for _, name := range []string{"ordered", "nightly", "imported"} {
		definition := "Type: StateMachine\nSpecVersion: v1\nName: " + name +
			"\nStartAt: A\nStates:\n- {Name: A, Type: Pass, End: true}\n"
		if _, err := service.CreateFlow(t.Context(), cloudflow.Caller{Account: "1"},
			cloudflow.CreateFlowRequest{Name: name, Definition: definition}); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := startRules(
		`[{bucket: orders, prefix: in/, flow: imported, account: "1"}, {queue: orders, flow: ` +
			`ordered, account: "1"}, {timer: night, flow: nightly, account: "1"}]`)
	if err != nil {
		t.Fatal(err)
	}
	s := &starter{
		rules:   rules,
		service: service,
		store:   st,
		limits:  flow.DefaultLimits(),
		log:     slog.New(slog.DiscardHandler),
	}
	message := func(queue, id string) events.StartEvent {
		m, err := events.StartEventOf(events.Message{
			ID:     id,
			Body:   `{"n":1}`,
			Source: "acs:mns:cn-hangzhou:1:queues/" + queue,
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	all := []events.StartEvent{message("orders", "m1"), message("orders", "m2"),
		message("others", "m3")}
	for _, name := range []string{"night", "day"} {
		ticks, err := events.DecodeStartEvents(
			[]byte(`{"triggerTime":"2025-11-22T10:00:00Z","triggerName":"` + name +
				`","payload":"{\"n\":2}"}`))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ticks...)
	}
	for range 2 {
		if err := s.start(t.Context(), all); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string]int{"ordered": 2, "nightly": 1, "imported": 0} {
		page, err := service.ListExecutions(t.Context(), cloudflow.Caller{Account: "1"},
			cloudflow.ListExecutionsRequest{FlowName: name})
		if err != nil || len(page.Executions) != want {
			t.Errorf("%s: %+v %v", name, page, err)
		}
	}
	for text, want := range map[string]string{
		`[{flow: f, account: "1"}]`:                          "bucket is missing",
		`[{bucket: b, queue: q, flow: f, account: "1"}]`:     "of different events",
		`[{queue: q, timer: t, flow: f, account: "1"}]`:      "of different events",
		`[{timer: t, prefix: x, flow: f, account: "1"}]`:     "for objects of a bucket",
		`[{queue: q, account: "1"}]`:                         "no name of a flow",
		`[{queue: q, flow: f}]`:                              "account is missing",
		`[{bucket: b, flow: f, account: "1"}]`:               "prefix or a suffix",
		`[{queues: q, flow: f, account: "1"}]`:               "queues",
		`[{queue: q, by: p, flow: f, account: "1"}]`:         "for objects of a bucket",
		`[{timer: t, folders: true, flow: f, account: "1"}]`: "for objects of a bucket",
		`[{bucket: b, by: q, prefix: x, flow: f, account: "1"}, ` +
			`{queue: q, flow: f, account: "1"}]`: "cannot be both",
	} {
		if _, err := startRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	r, _, st := newAcceptor(t)
	output := func(*task.Request, string, []byte) task.Result {
		return task.Result{Output: json.RawMessage(`{}`)}
	}
	identity := func(function string) (string, error) {
		if function == "" {
			return "", errors.New("no function")
		}
		return function, nil
	}
	o := &asyncResults{
		driver:   st.Driver(),
		output:   output,
		identity: identity,
		engine:   r,
		log:      slog.New(slog.DiscardHandler),
	}
	if err := o.Record(t.Context(), "", task.InvocationRecord{}); err == nil {
		t.Error("a note without an id")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := o.handle(ctx, events.AsyncResult{RequestID: "unknown", Function: "f"}); err == nil {
		t.Error("an outcome of nobody was acknowledged")
	}
	if err := (&asyncResults{
		driver:      st.Driver(),
		identity:    identity,
		dropUnknown: true,
		engine:      r,
		log:         o.log,
	}).handle(t.Context(), events.AsyncResult{RequestID: "unknown", Function: "f"}); err != nil {
		t.Errorf("an outcome of nobody comes again: %v", err)
	}
	if err := o.Record(t.Context(), "r1", task.InvocationRecord{
		Account:  "1",
		Token:    "dead",
		Function: "f",
	}); err != nil {
		t.Fatal(err)
	}
	if err := o.handle(t.Context(), events.AsyncResult{
		RequestID: "r1",
		Function:  "f",
	}); err != nil {
		t.Errorf("a task that is gone: %v", err)
	}
	if _, err := st.Driver().Get(t.Context(), store.InvocationRecordKey("r1", "f")); !errors.Is(err,
		store.ErrNotFound) {
		t.Errorf("the note is left: %v", err)
	}
}
