package engine_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// storedExecution is one execution in the store.
type storedExecution struct {
	flow  string // FlowV1 if it begins with old
	runs  string // states or steps; "": those of the flow, which exists already
	name  string // of the execution; "": none
	input string
}

// sixteen is a text of 16 bytes.
const sixteen = "abcdefghijklmnop"

// storedExecutions are executions of both dialects that wait in every possible way, and some that
// have ended.
var storedExecutions = []storedExecution{
	{"wait",
		"- {Name: A, Type: Pass, OutputConstructor: {a: 1, b: [x, 0.5, true]}, " +
			"GlobalConstructor: {g: 7}, Next: B}\n" +
			"- {Name: B, Type: Wait, Seconds: 300, Next: C}\n- {Name: C, Type: Pass, " +
			"OutputConstructor: {g.$: $Global.g, i.$: $Input}, End: true}\n", "one", `{"n":1}`},
	{"callback", "- {Name: A, CALL, TaskMode: WaitForCustomCallback, Timeout: 9000, End: true}\n",
		"done", `{"n":2}`},
	{"callback", "", "letter", `{"n":3}`},
	{"retry",
		"- {Name: Again, CALL, Retry: [{Errors: [Busy], MaxAttempts: 3, IntervalSeconds: 900, " +
			"BackoffRate: 2}], End: true}\n", "one", `{}`},
	{"called", "- {Name: Hangs, CALL, Timeout: 5000, End: true}\n", "one", `{"in":"flight"}`},
	{"parallel", `- Name: P
  Type: Parallel
  Branches:
  - {StartAt: X, States: [{Name: X, Type: Pass, OutputConstructor: {x: 1}, End: true}]}
  - {StartAt: Y, States: [{Name: Y, Type: Wait, Seconds: 290, End: true}]}
  - {StartAt: Z, States: [{Name: Z, CALL, TaskMode: WaitForCustomCallback, Catch: [{Errors: [FnF.ALL], Next: W}], End: true}, {Name: W, Type: Pass, End: true}]}
  End: true
`, "one", `{"p":true}`},
	{"map", mapping("MaxConcurrency: 3", "n > 4", 270), "one",
		fmt.Sprintf(`{"items":%s}`, numbered(8, "x"))},
	{"blocks", mapping("MaxConcurrency: 90", "n > 256", 270), "one",
		fmt.Sprintf(`{"items":%s}`, numbered(260, "x"))},
	{"spread", spreading(flow.Standard, "{Name: W, Type: Wait, Seconds: 290, OutputConstructor: "+
		"{n.$: $Input}, End: true}"), "one", `{"items":[1,2,3,4,5,6]}`},
	{"spreadCalls", spreading(flow.Express, "{Name: Hangs, CALL, End: true}"), "one",
		`{"items":[1,2,3,4,5,6]}`},
	{"large",
		"- {Name: Large, CALL, GlobalConstructor: {kept.$: $Output}, Next: B}\n" +
			"- {Name: B, Type: Wait, Seconds: 285, Next: C}\n" +
			"- {Name: C, Type: Pass, OutputConstructor: {all.$: $Global.kept, first.$: $Input}, " +
			"End: true}\n", "one", fmt.Sprintf(`{"text":%q}`, strings.Repeat(sixteen, 128))},
	{"child", "- {Name: A, CALL, TaskMode: WaitForCustomCallback, End: true}\n", "", ""},
	{"parent", fmt.Sprintf(parent, ", executionName.$: $Context.Execution.Name, input.$: $Input"),
		"waits", `{"c":1}`},
	{"parent", "", "untold", `{"c":2}`}, // its child has ended and not reported yet
	{"tooLate",
		"- {Name: A, Type: Wait, Seconds: 280, Next: B}\n- {Name: B, Type: Wait, Seconds: 280, " +
			"Next: A}\n", "one", `{}`},
	{"ends", `- {Name: First, Type: Wait, Seconds: 1, Next: Second}
- {Name: Second, Type: Wait, Seconds: 1, Next: A}
- {Name: A, Type: Choice, Branches: [{Condition: '$Input.n == 1', Next: Bad}, {Condition: '$Input.n == 2', Next: Long}], Default: Good}
- {Name: Good, Type: Pass, InputConstructor: {x: 1}, End: true}
- {Name: Bad, Type: Fail, Code: Spoilt, Detail: milk}
- {Name: Long, Type: Wait, Seconds: 295, End: true}
`, "succeeded", `{"n":0}`},
	{"ends", "", "failed", `{"n":1}`},
	{"ends", "", "stopped", `{"n":2}`},
	{"ends", "", "timedOut", `{"n":2}`},
	{"redriven", `- Name: P
  Type: Parallel
  Branches:
  - {StartAt: X, States: [{Name: X, Type: Pass, OutputConstructor: {x: 1}, End: true}]}
  - {StartAt: Y, States: [{Name: Y, Type: Wait, Seconds: 290, End: true}]}
  - StartAt: Z
    States:
    - {Name: Z, Type: Map, ItemsPath: $Input.items, MaxConcurrency: 1, Processor: {StartAt: V, States: [{Name: V, Type: Wait, Seconds: 2, End: true}]}, End: true}
  End: true
`, "running", `{"items":[1,2,3,4]}`},
	{"redriven", "", "ended", `{"items":[5,6,7,8]}`},
	{"spread", "", "redriven", `{"items":[7,8,9]}`},
	{"deleted", "- {Name: A, Type: Wait, Seconds: 295, End: true}\n", "one", `{}`},

	{"oldWait",
		"- {type: pass, name: A, outputMappings: [{target: a, source: $input.n}]}\n" +
			"- {type: wait, name: B, duration: 600}\n- {type: succeed, name: C}\n",
		"old", `{"n":1}`},
	{"oldCallback",
		"- {type: task, name: A, resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback, " +
			"timeoutSeconds: 9000,\n" +
			"   inputMappings: [{target: t, source: $context.task.token}], " +
			"catch: [{errors: [Broken], goto: C}]}\n- {type: succeed, name: B}\n" +
			"- {type: pass, name: C}\n", "old", `{"n":2}`},
	{"oldRetry",
		"- {type: task, name: Again, resourceArn: 'acs:fc:::functions/f', " +
			"retry: [{errors: [Busy], intervalSeconds: 900, maxAttempts: 3, multiplier: 2}]}\n",
		"old", `{}`},
	{"oldParallel", `- type: parallel
  name: P
  branches:
  - steps: [{type: pass, name: X}]
  - steps: [{type: wait, name: Y, duration: 700}]
  - steps: [{type: task, name: Z, resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback}]
`, "old", `{"p":true}`},
	{"oldMap", `- type: foreach
  name: E
  iterationMapping: {collection: $.items, item: n, index: i}
  steps:
  - type: choice
    name: C
    choices: [{condition: '$.n > 2', steps: [{type: wait, name: W, duration: 260}]}]
    default: {steps: [{type: pass, name: X}]}
`, "old", `{"items":[1,2,3,4]}`},
	{"oldParent", "- {type: task, name: A, resourceArn: 'acs:fnf:::flow/child', pattern: sync}\n",
		"old", `{"c":3}`},
}

const callFunction = "Type: Task, Action: 'FC:InvokeFunction', " +
	"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}"

// mapping returns a Map whose items wait for some seconds if the condition on their number n holds.
func mapping(options, condition string, seconds int) string {
	condition = strings.Replace(condition, "n", "$Input.n", 1)
	return fmt.Sprintf(`- Name: M
  Type: Map
  %s
  ItemsPath: $Input.items
  Processor:
    StartAt: C
    States:
    - {Name: C, Type: Choice, Branches: [{Condition: '%s', Next: W}], Default: D}
    - {Name: W, Type: Wait, Seconds: %d, End: true}
    - {Name: D, Type: Pass, OutputConstructor: {n.$: $Input.n}, End: true}
  End: true
`, options, condition, seconds)
}

// spreading returns a distributed Map without items, and one whose children run a state, two at the
// same time, with two items each.
func spreading(mode, state string) string {
	return fmt.Sprintf(`- Name: None
  Type: Map
  ItemsPath: $Input.items
  MaxItems: 0
  ProcessorConfig: {ExecutionMode: %[1]s}
  ToleratedFailurePercentage: 7
  Processor: {StartAt: S, States: [{Name: S, Type: Pass, End: true}]}
  OutputConstructor: {items.$: $Input.items}
  Next: M
- Name: M
  Type: Map
  MaxConcurrency: 2
  ItemsPath: $Input.items
  ItemBatcher: {MaxItemsPerBatch: 2, BatchInput: {k: 1}}
  ToleratedFailureCount: 3
  ProcessorConfig: {ExecutionMode: %[1]s}
  Processor:
    StartAt: %[2]s
    States:
    - %[3]s
  End: true
`, mode, state[len("{Name: "):strings.Index(state, ",")], state)
}

// numbered returns a list of objects with the numbers from 1 to n and a text.
func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"n":%d,"t":%q}`, i+1, text)
	}
	return "[" + b.String()[1:] + "]"
}

// counting returns bits that depend only on the purpose and on how often it was asked for.
func counting() func(purpose string) uint64 {
	var mu sync.Mutex
	asked := map[string]uint64{}
	return func(purpose string) uint64 {
		mu.Lock()
		defer mu.Unlock()
		asked[purpose]++
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", purpose, asked[purpose])
		return h.Sum64() | 1
	}
}

// makeStored runs the executions until they wait, and returns what is in the store then.
func makeStored(w *harness) *storeDump {
	w.t.Helper()
	ctx := context.Background()
	// The same executions write the same rows each time.
	w.store = store.New(store.Options{Driver: w.mem, TailBytes: 50, Random: counting()})
	w.tasks.on("Again", func(context.Context, task.Request) task.Result {
		return task.Fail("Busy", "come back")
	})
	w.tasks.on("Hangs", sleeping(time.Hour, `{}`))
	w.tasks.on("Large", func(context.Context, task.Request) task.Result {
		return task.Result{Output: []byte(`{"made":"` + strings.Repeat(sixteen, 100) + `"}`)}
	})
	h := w.open(nil)
	flows := map[string]*store.Flow{}
	for _, s := range storedExecutions {
		if s.runs != "" {
			flows[s.flow] = w.defineStored(s)
		}
		if s.name != "" {
			h.startWith(engine.Start{Flow: flows[s.flow], Name: s.name, Input: []byte(s.input),
				Canonical: []byte(s.input), Origin: s.flow})
		}
		synctest.Wait()
	}
	time.Sleep(4 * time.Second)
	if _, err := h.Stop(ctx, store.Partition(flows["ends"].ID, "stopped"),
		&flow.Error{Name: "Enough", Cause: "of it"}); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range [][2]string{{"redriven", "running"}, {"redriven", "ended"}, {"spread", "redriven"}} {
		partition := store.Partition(flows[s[0]].ID, s[1])
		if _, err := h.Stop(ctx, partition, &flow.Error{Name: "Enough"}); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Second)
		if s[1] == "ended" {
			continue
		}
		if _, err := h.Redrive(ctx, partition, 0); err != nil {
			w.t.Fatal(err)
		}
	}
	untold := store.Partition(flows["parent"].ID, "untold")
	w.hooks(func(op string, k driver.Key) error {
		if op == memstore.OpCommit && k.Partition == untold {
			return errUnknownOutcome
		}
		return nil
	}, nil)
	if _, err := h.Report(ctx, account, w.tasks.token("untold", "A"),
		engine.Report{Output: []byte(`{"told":true}`)}); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(150 * time.Second)
	w.putInboxEntry(flows["callback"], "letter")
	w.changeFlows(flows)
	synctest.Wait()
	h.close()
	s := &storeDump{at: time.Now().UnixMilli(), rows: w.storedRows(flows)}
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	for _, about := range slices.Sorted(maps.Keys(w.tasks.tokens)) {
		if k := w.tasks.tokens[about]; k != "" && about != "untold/A" && about != "letter/A" {
			s.tokens = append(s.tokens, storedToken{k, about})
		}
	}
	return s
}

// definition returns the whole definition.
func (s storedExecution) definition() string {
	if strings.HasPrefix(s.flow, "old") {
		return "version: v1\ntype: flow\nname: " + s.flow + "\nsteps:\n" + s.runs
	}
	seconds, limited := map[string]int{"ends": 100, "tooLate": 1500}[s.flow]
	if !limited {
		seconds = 100_000
	}
	_, first, _ := strings.Cut(s.runs, "Name: ")
	return fmt.Sprintf(
		"Type: StateMachine\nSpecVersion: v1\nName: %s\nTimeout: %d\nStartAt: %s\nStates:\n%s",
		s.flow, seconds,
		first[:strings.IndexAny(first, ",\n")], strings.ReplaceAll(s.runs, "CALL", callFunction))
}

// defineStored creates a flow whose id is its name.
func (w *harness) defineStored(s storedExecution) *store.Flow {
	w.t.Helper()
	text := s.definition()
	m, err := compile(text, flow.Standard)
	if err != nil {
		w.t.Fatalf("%s: %v", s.flow, err)
	}
	f := &store.Flow{Account: account, Name: s.flow, ID: s.flow, Mode: flow.Standard,
		Dialect: m.Dialect, TimeoutSeconds: m.TimeoutSeconds,
		Environment: []flow.Variable{{Name: "v", Value: "1", Description: "d"}}}
	if err := w.store.CreateFlow(context.Background(), f, text,
		time.Now().Add(24*time.Hour).UnixMilli()); err != nil {
		w.t.Fatal(err)
	}
	return f
}

// putInboxEntry puts a report into the inbox of a waiting execution.
func (w *harness) putInboxEntry(f *store.Flow, name string) {
	w.t.Helper()
	x := w.load(f, name)
	l := &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Token: w.scheduledID(f, name),
		Mark: 5, Output: []byte(`{"by":"letter"}`),
		Wake: time.Now().Add(30 * time.Second).UnixMilli(), Expires: x.Expires}
	if err := w.store.EnqueueInboxEntry(context.Background(), l); err != nil {
		w.t.Fatal(err)
	}
}

// changeFlows updates the definition of one flow, and deletes another flow.
func (w *harness) changeFlows(flows map[string]*store.Flow) {
	w.t.Helper()
	ctx, f := context.Background(), flows["ends"]
	text, err := w.store.Definition(ctx, f.ID, f.Hash)
	if err == nil {
		err = w.store.UpdateFlow(ctx, f, text+"# newer\n", time.Now().Add(24*time.Hour).UnixMilli())
	}
	if err == nil {
		err = w.store.DeleteFlow(ctx, flows["deleted"])
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// storedRows returns all rows of flows, their definitions and their executions.
func (w *harness) storedRows(flows map[string]*store.Flow) []driver.Row {
	w.t.Helper()
	var rows []driver.Row
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		rows = append(append(rows, w.partition("f#"+account+"#"+name)...),
			w.partition("d#"+f.ID)...)
		all, _, err := w.store.List(context.Background(),
			store.ListOptions{FlowID: f.ID, Shards: f.ListShards, Limit: 100})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, x := range slices.Backward(all) {
			rows = append(rows, w.partition(x.Partition)...)
		}
	}
	return rows
}
