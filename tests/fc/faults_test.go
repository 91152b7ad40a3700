package fc_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	harness "millrace/tests/emulators/fc"
	"millrace/tests/emulators/mns"
	"millrace/tests/emulators/tablestore"
	"millrace/tests/fc"
)

// row is a flow of so many calls in a row.
func row(n int) string {
	var b strings.Builder
	for i := range n {
		name, next := fmt.Sprint("T", i), fmt.Sprintf("Next: T%d", i+1)
		if i == 0 {
			name = "A"
		}
		if i == n-1 {
			next = "End: true"
		}
		fmt.Fprintf(&b, "- {Name: %s, Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/double', invocationType: Sync, body: {n.$: $Input.n}}, OutputConstructor: {n.$: $Output.Body.n}, %s}\n", name, next)
	}
	return b.String()
}

// TableStore throttles, conflicts, breaks connections and loses answers; messages come twice and in another order; MNS
// and Function Compute refuse some calls. Every execution ends right.
func TestFaultyServices(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Runtime: r, Clock: true})
		s.Users.Add("double", double)
		v := s.On(t)
		v.Define("row", row(3))
		s.Store.SetFault(tablestore.Chance{Seed: 1, Busy: 0.05, Conflict: 0.05, Drop: 0.02, Lose: 0.05, Timeout: 0.02}.Hook())
		s.MNS.SetFaults(mns.Faults{Seed: 2, Duplicate: 0.3, Reorder: 0.3, Refuse: 0.02, Throttle: 0.05, LoseAnswer: 0.05})
		var n atomic.Int64
		s.Service.Failing = func(string) bool { return n.Add(1)%5 == 0 }
		for i := range 12 {
			v.Start("row", fmt.Sprint("x", i), `{"n":1}`)
		}
		time.Sleep(2 * time.Second)
		s.Ahead(2 * time.Minute) // what nobody has a hint of is due
		for i := range 12 {
			v.Succeeded("row", fmt.Sprint("x", i), `{"n":8}`)
		}
	})
}

// Runners are killed before and after their commits reach the store.
func TestKilledRunners(t *testing.T) {
	s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Clock: true, Env: []string{"MILLRACE_CALL_SECONDS=1"}})
	s.Users.Add("double", double)
	v := s.On(t)
	v.Define("row", row(3))
	for i := range 10 {
		v.Start("row", fmt.Sprint("x", i), `{"n":1}`)
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(7, 9))
	kills := 0
	s.Store.SetFault(func(r tablestore.Request) tablestore.Fault {
		mu.Lock()
		defer mu.Unlock()
		if !r.Writes() || kills >= 12 {
			return tablestore.Fault{}
		}
		switch p := random.Float64(); {
		case p < 0.1:
			kills++
			s.Runner.Kill()
			return tablestore.Fault{Drop: true}
		case p < 0.2:
			kills++
			s.Runner.Kill()
			return tablestore.Fault{Lose: true}
		}
		return tablestore.Fault{}
	})
	for i := range 4 {
		time.Sleep(time.Second)
		s.Ahead(time.Duration(i+1) * time.Minute) // leases of the dead are over
	}
	for i := range 10 {
		v.Succeeded("row", fmt.Sprint("x", i), `{"n":8}`)
	}
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("nobody was killed")
	}
}

// The queue forgets everything; the sweeper finds it in the store.
func TestQueueLost(t *testing.T) {
	s := fc.Deploy(t, fc.Options{Runtime: harness.BuiltIn, Clock: true, Sweeps: -1})
	s.Users.Add("double", double)
	v := s.On(t)
	v.Define("row", row(2))
	s.MNS.SetFaults(mns.Faults{Lose: 1})
	v.Start("row", "one", `{"n":1}`)
	time.Sleep(500 * time.Millisecond)
	s.MNS.SetFaults(mns.Faults{})
	if h := v.History("row", "one"); len(h) != 1 {
		t.Errorf("it went on without a reason: %v", h)
	}
	s.Ahead(3 * time.Minute)
	s.Sweep()
	v.Succeeded("row", "one", `{"n":4}`)
}

// What is no hint disturbs nothing, and no batch comes again for it.
func TestPoisonMessages(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Runtime: r})
		v := s.On(t)
		v.Define("hello", "- {Name: A, Type: Pass, End: true}\n")
		for _, body := range []string{"not json", `{"v":99,"p":"x#a#b"}`, `{"v":1,"p":"x#nobody#here"}`, `{"v":1,"p":"nonsense"}`, "bm90IGpzb24=", "[]", "{}"} {
			s.Send(body)
		}
		s.Send(`{"timestamp":1,"requestContext":{"requestId":"none-of-ours","functionArn":"acs:fc:cn-hangzhou:1:functions/f","condition":""},"responseContext":{"statusCode":200},"responsePayload":"x"}`)
		v.Start("hello", "one", `{"a":1}`)
		v.Succeeded("hello", "one", `{"a":1}`)
		for end := time.Now().Add(20 * time.Second); len(s.MNS.Bodies("millrace")) > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%q stay in the queue", s.MNS.Bodies("millrace"))
			}
		}
		if n := s.Stream.Failures.Load(); n != 0 {
			t.Errorf("%d batches failed", n)
		}
	})
}

// The runner dies when Function Compute has accepted an asynchronous invocation, before it knows: the function runs once,
// and its outcome reaches the task.
func TestDeathAfterSubmission(t *testing.T) {
	for _, over := range []bool{true, false} { // the function has ended, or not, when the call is repeated
		t.Run(fmt.Sprint(over), func(t *testing.T) {
			s := fc.Deploy(t, fc.Options{Runtime: harness.Custom, Clock: true, Env: []string{"MILLRACE_CALL_SECONDS=1"}})
			var runs, accepted atomic.Int64
			ended := make(chan struct{})
			s.Users.Add("double", func(event []byte) (string, bool) {
				runs.Add(1)
				if !over {
					<-ended
				}
				return double(event)
			})
			s.Users.Accepted = func() bool {
				if accepted.Add(1) > 1 {
					return false
				}
				s.Runner.Kill()
				return true
			}
			v := s.On(t)
			v.Define("async", "- {Name: A, "+call("acs:fc:::functions/double", "Async", "WaitForSystemCallback")+"}\n")
			v.Start("async", "one", "{}")
			for end := time.Now().Add(20 * time.Second); accepted.Load() == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			}
			s.Ahead(2 * time.Minute) // the lease of the dead is over
			if !over {
				for end := time.Now().Add(30 * time.Second); !strings.Contains(strings.Join(v.History("async", "one"), " "), "TaskSubmitted") && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				}
			}
			close(ended)
			if x := v.Wait("async", "one"); x.Status != "Succeeded" || !strings.Contains(x.Output, `"n":42`) {
				t.Errorf("%s %s; %v", x.Status, x.Output, v.History("async", "one"))
			}
			if n := runs.Load(); n != 1 {
				t.Errorf("the function ran %d times", n)
			}
		})
	}
}
