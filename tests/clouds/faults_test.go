package clouds_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/store"
)

// faulty is a test of executions under some kind of fault.
type faulty struct {
	name string
	run  func(t *testing.T, s *stack, v *service)
}

// TestFaults lets services fail, and lose, repeat and reorder messages.
func TestFaults(t *testing.T) {
	oneByOne(t, []faulty{
		{"LongWaits", testLongWaits},
		{"LostWrites", testLostWrites},
		{"LostSends", testLostSends},
		{"UnreliableQueue", testUnreliableQueue},
		{"QueueLost", testQueueLost},
		{"PoisonMessages", testPoisonMessages},
	})
}

// TestKills kills step runners.
func TestKills(t *testing.T) {
	oneByOne(t, []faulty{
		{"EachCommit", testKilledAtEachCommit},
		{"PoisonExecution", testPoisonExecution},
		{"PoisonTask", testPoisonTask},
	})
}

// oneByOne runs tests on each cloud, one after the other. Time skips what executions wait for, such
// as the end of the lease of a dead step runner.
func oneByOne(t *testing.T, tests []faulty) {
	t.Parallel()
	onEachTarget(t, func(t *testing.T, h target) (options, *service) {
		v := serve(t)
		return options{skip: true, faults: true,
			env: []string{v.env(), "MILLRACE_CALL_SECONDS=20"}}, v
	}, func(t *testing.T, s *stack, v *service) {
		s.Define("hello", pass)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				one := s.on(t)
				defer func() {
					s.setWrites(nil)
					s.setSends(nil)
					s.disturb(0, 0, 0)
				}()
				test.run(t, one, v)
			})
		}
	})
}

// testLongWaits tests waits that exceed the longest delay of a queue's message: of hours, and of
// seven days for a report that does not come.
func testLongWaits(t *testing.T, s *stack, v *service) {
	s.DefineText("long",
		"version: v1\ntype: flow\nname: long\nsteps:\n- {type: wait, name: a, duration: 3600}\n"+
			"- {type: wait, name: b, timestamp: $.at}\n"+
			"- {type: task, name: c, resourceArn: 'acs:fc:::services/s/functions/long', pattern: "+
			"waitForCallback, timeoutSeconds: 604800, catch: [{errors: [FnF.TaskTimeout], goto: "+
			"d}]}\n- {type: succeed, name: d}\n")
	at := s.clock().Now().Add(40 * time.Hour).UTC().Truncate(time.Second)
	s.Start("long", "one", `{"at":"`+at.Format(time.RFC3339)+`"}`)
	x := s.Wait("long", "one", 3*time.Minute)
	if took := x.StoppedTime.Time().Sub(at); x.Status != "Succeeded" || took < 7*24*time.Hour {
		t.Errorf("%s %v after the waits: %v", x.Status, took, s.History("long", "one"))
	}
	if _, all := v.called("long"); all != 1 {
		t.Errorf("%d calls", all)
	}
}

// mixed returns a flow with everything that an execution waits for: calls, and time.
func mixed(function string) string {
	return "- {Name: A, " + call(function, "") +
		", OutputConstructor: {n.$: $Output.Body.n}, Next: B}\n" +
		"- {Name: B, Type: Wait, Seconds: 20, Next: C}\n" +
		"- {Name: C, " + call(function, "") +
		", OutputConstructor: {n.$: $Output.Body.n}, Next: D}\n" +
		"- {Name: D, Type: Wait, Seconds: 1, End: true}\n"
}

// startAll starts n executions of a mixed flow at once. Each start must succeed.
func startAll(t *testing.T, s *stack, flow string, n int) {
	t.Helper()
	var starting sync.WaitGroup
	for i := range n {
		starting.Go(func() {
			x, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
				FlowName: flow, ExecutionName: fmt.Sprint("x", i), Input: `{"n":0}`})
			if err != nil || x.Status != "Running" {
				t.Errorf("%d: %+v %v", i, x, err)
			}
		})
	}
	starting.Wait()
}

// allSucceeded waits for these executions, and counts their calls.
func allSucceeded(t *testing.T, s *stack, v *service, flow string, n int) {
	t.Helper()
	for i := range n {
		s.Succeeded(flow, fmt.Sprint("x", i), `{"n":2}`)
	}
	if distinct, all := v.called(flow); distinct != 2*n {
		t.Errorf("%d different calls, want %d; %d calls in all", distinct, 2*n, all)
	}
}

// testLostWrites makes writes, from the claim on, lose their responses after they were applied,
// fail with a throttling error, or get lost before they are applied.
func testLostWrites(t *testing.T, s *stack, v *service) {
	s.Define("lostwrites", mixed("lostwrites"))
	next := every(3, lost, throttled, lost, dropped)
	s.setWrites(func(write) faultKind { return next() })
	startAll(t, s, "lostwrites", 12)
	allSucceeded(t, s, v, "lostwrites", 12)
}

// testLostSends does the same to calls of the queue.
func testLostSends(t *testing.T, s *stack, v *service) {
	s.Define("lostsends", mixed("lostsends"))
	s.setSends(every(3, lost, throttled, dropped))
	startAll(t, s, "lostsends", 12)
	allSucceeded(t, s, v, "lostsends", 12)
}

// testUnreliableQueue makes messages come twice, late and in another order, or not at all.
func testUnreliableQueue(t *testing.T, s *stack, v *service) {
	s.Define("disturbed", mixed("disturbed"))
	s.disturb(0.5, 0.3, 0.2)
	startAll(t, s, "disturbed", 15)
	allSucceeded(t, s, v, "disturbed", 15)
}

// testQueueLost makes the queue lose every message: the sweeper must find the work in the store
// again and again.
func testQueueLost(t *testing.T, s *stack, v *service) {
	s.Define("emptied", mixed("emptied"))
	s.disturb(0, 0, 1)
	startAll(t, s, "emptied", 5)
	eventually(t, func() (bool, string) { return s.waiting() == 0, "the queue is not empty" })
	if distinct, all := v.called("emptied"); all != 0 {
		t.Errorf("%d calls without a hint, %d different ones", all, distinct)
	}
	s.disturb(0, 0, 0)
	allSucceeded(t, s, v, "emptied", 5)
}

// killing matches the name of an execution; step runners are killed before or after its nth write.
var killing = regexp.MustCompile(`#at-(before|after)-(\d)`)

// testKilledAtEachCommit kills all step runners, for each commit of an execution, before the commit
// reaches the store in one run and after it in another, until no execution has so many commits.
func testKilledAtEachCommit(t *testing.T, s *stack, v *service) {
	s.Define("killed", row("killed", 2))
	var mu sync.Mutex
	writes, kills := map[string]int{}, 0
	s.setWrites(func(w write) faultKind {
		m := killing.FindSubmatch(w.body)
		if m == nil {
			return passes
		}
		mu.Lock()
		name := string(m[0])
		writes[name]++
		n := writes[name]
		mu.Unlock()
		if n != int(m[2][0]-'0') {
			return passes
		}
		mu.Lock()
		kills++
		mu.Unlock()
		s.kill()
		if string(m[1]) == "before" {
			return dropped
		}
		return lost
	})
	executions := 0
	for _, side := range []string{"before", "after"} {
		reached := true
		// the number of commits depends on timing; it is at least three
		for n := 1; reached && n <= 9; n++ {
			mu.Lock()
			had := kills
			mu.Unlock()
			name := fmt.Sprintf("at-%s-%d", side, n)
			s.Start("killed", name, `{"n":0}`)
			s.Succeeded("killed", name, `{"n":2}`)
			executions++
			mu.Lock()
			reached = kills > had
			mu.Unlock()
			if !reached && n <= 3 {
				t.Errorf("an execution has no commit %d", n)
			}
		}
	}
	if distinct, all := v.called("killed"); distinct != 2*executions {
		t.Errorf("%d different calls of %d executions; %d calls in all", distinct, executions, all)
	}
	t.Logf("killed at %d commits", kills)
}

// testPoisonMessages checks that a message that is no hint disturbs nothing, and becomes a dead
// letter or is dropped.
func testPoisonMessages(t *testing.T, s *stack, _ *service) {
	eventually(t, func() (bool, string) { return s.waiting() == 0, "the queue is not empty" })
	unknown := []string{"not json", `{"v":99,"p":"x#a#b"}`, "bm90IGpzb24=", "[]", "{}"}
	for _, body := range append(unknown, `{"v":1,"p":"x#nobody#here"}`, `{"v":1,"p":"nonsense"}`) {
		s.send(body)
	}
	s.Start("hello", "one", `{"a":1}`)
	s.Succeeded("hello", "one", `{"a":1}`)
	want := s.deadLetters() // messages that killed step runners received too often
	if s.deadLettersMalformed() {
		// or more: a hint that a slow step runner received too often may become one, too
		want += len(unknown)
	}
	eventually(t, func() (bool, string) {
		return s.waiting() == 0 && s.deadLetters() >= want,
			fmt.Sprintf("%d messages wait, %d dead letters, want %d", s.waiting(), s.deadLetters(),
				want)
	})
}

// poisonKiller kills every step runner that is about to commit a transaction. It lets only those
// commits pass that count the beginning of an attempt: like an execution that no process survives.
type poisonKiller struct {
	mu    sync.Mutex
	kill  func()
	load  func() *store.Execution
	told  bool // the last commit counted the beginning of an attempt
	kills int
}

func (k *poisonKiller) decide(w write) faultKind {
	if !w.stepRunner || !bytes.Contains(w.body, []byte("#poisoned")) {
		return passes
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch x := k.load(); {
	case x == nil: // the claim
		return passes
	case x.SweepAttempts >= 3 && !k.told: // an attempt has begun; or, after five, the end
		k.told = true
		return passes
	}
	k.told = false
	k.kills++
	k.kill()
	return dropped
}

// testPoisonExecution checks that an execution that kills every step runner that picks it up
// finally fails, visibly, and that other executions go on.
func testPoisonExecution(t *testing.T, s *stack, v *service) {
	s.Define("poison", row("poison", 1))
	flow, err := s.Client.DescribeFlow(t.Context(), "poison")
	if err != nil {
		t.Fatal(err)
	}
	rows := store.New(store.Options{Driver: s.rows()})
	k := &poisonKiller{kill: s.kill}
	k.load = func() *store.Execution {
		x, err := rows.Load(t.Context(), "x#"+flow.ID+"#poisoned")
		if err != nil {
			return nil
		}
		return x
	}
	s.setWrites(k.decide)
	s.Start("poison", "poisoned", `{"n":0}`)
	if x := s.Wait("poison", "poisoned", 3*time.Minute); x.Status != "Failed" {
		t.Errorf("it ended as %s", x.Status)
	}
	if k.kills < 6 {
		t.Errorf("%d runners were killed", k.kills)
	}
	page, err := s.Client.GetExecutionHistory(t.Context(), cloudflow.GetExecutionHistoryRequest{
		FlowName: "poison", ExecutionName: "poisoned"})
	if err != nil {
		t.Fatal(err)
	}
	end := page.Events[len(page.Events)-1]
	if end.Type != "ExecutionFailed" || !strings.Contains(end.EventDetail, "FnF.InternalError") ||
		!strings.Contains(end.EventDetail, "each engine that advanced it") {
		t.Errorf("it ended with %+v", end)
	}
	if _, all := v.called("poison"); all != 0 {
		t.Errorf("%d calls", all)
	}
	s.Start("hello", "after", `{}`)
	s.Succeeded("hello", "after", `{}`)
}

// testPoisonTask checks that a task whose call kills every step runner finally fails, and its
// execution with it.
func testPoisonTask(t *testing.T, s *stack, v *service) {
	v.setDeath(s.kill)
	s.Define("deadly", row("deadly", 1))
	s.Start("deadly", "one", `{"n":0}`)
	if x := s.Wait("deadly", "one", 3*time.Minute); x.Status != "Failed" {
		t.Errorf("it ended as %s", x.Status)
	}
	if _, all := v.called("deadly"); all != 5 {
		t.Errorf("%d runners were killed, want 5", all)
	}
	h := s.History("deadly", "one")
	if count(h, "TaskFailed") != 1 || count(h, "ExecutionFailed") != 1 {
		t.Errorf("%v", h)
	}
}
