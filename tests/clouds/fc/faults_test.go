package fc_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
	"millrace/tests/clouds/fc"
)

// row returns a flow of n sequential calls.
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
		fmt.Fprintf(&b,
			"- {Name: %s, Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: "+
				"'acs:fc:::functions/double', invocationType: Sync, body: {n.$: $Input.n}}, "+
				"OutputConstructor: {n.$: $Output.Body.n}, %s}\n", name, next)
	}
	return b.String()
}

// TestFaultyServices makes TableStore throttle, conflict, break connections and lose responses;
// messages come twice and in another order; MNS and Function Compute refuse some calls. Every
// execution must end correctly.
func TestFaultyServices(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r, Clock: true})
		s.Users.Add("double", double)
		v := s.On(t)
		v.Define("row", row(3))
		s.Store.SetFault(tablestore.Chance{Seed: 1, Busy: 0.05, Conflict: 0.05, Drop: 0.02,
			Lose: 0.05, Timeout: 0.02}.Hook())
		s.MNS.SetFaults(mns.Faults{Seed: 2, Duplicate: 0.3, Reorder: 0.3, Refuse: 0.02,
			Throttle: 0.05, LoseAnswer: 0.05})
		var n atomic.Int64
		s.Service.Failing = func(string) bool { return n.Add(1)%5 == 0 }
		for i := range 12 {
			v.Start("row", fmt.Sprint("x", i), `{"n":1}`)
		}
		time.Sleep(2 * time.Second)
		s.Ahead(2 * time.Minute) // executions without a hint are due
		for i := range 12 {
			v.Succeeded("row", fmt.Sprint("x", i), `{"n":8}`)
		}
	})
}

// TestBodies checks that messages are understood in every form of a trigger, with bodies in Base64
// and plain. A batch that fails in part comes again as a whole; a message that is no hint must not
// make it fail.
func TestBodies(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		// the engine's own hints stay in the queue
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r, Sweeps: -1,
			Stream: func(s *harness.Stream) { s.Queue = "nowhere" }})
		v := s.On(t)
		v.Define("hello", "- {Name: A, Type: Pass, End: true}\n")
		var dispatched atomic.Int64
		s.Service.Failing = func(string) bool { return dispatched.Add(1) == 2 }
		flow, err := s.Client.DescribeFlow(t.Context(), "hello")
		if err != nil {
			t.Fatal(err)
		}
		for name, is := range map[string]struct {
			form           harness.Form
			encoded, first bool
		}{
			"events": {}, "encoded": {encoded: true}, "raw": {form: harness.RawData},
			"rawencoded": {form: harness.RawData, encoded: true},
			"rule":       {form: harness.Rule}, "ruleencoded": {form: harness.Rule, encoded: true},
			"deletefirst": {first: true},
		} {
			t.Run(name, func(t *testing.T) {
				dispatched.Store(0)
				s.MNS.CreateQueue(name)
				for i := range 4 {
					one := fmt.Sprint(name, i)
					v.Start("hello", one, `{"a":1}`)
					hint := `{"v":1,"p":"x#` + flow.ID + `#` + one + `"}`
					if i%2 == 1 {
						hint = base64.StdEncoding.EncodeToString([]byte(hint))
					}
					put(t, s, name, hint)
				}
				junk := []string{"not json", `{"v":99,"p":"x#a#b"}`, `{"v":1,"p":"nonsense"}`,
					"bm90IGpzb24=", "[]", "{}"}
				if name == "events" { // the engine waits for it for a while
					junk = append(junk,
						`{"timestamp":1,"requestContext":{"requestId":"none-of-ours",`+
							`"functionArn":`+
							`"acs:fc:cn-hangzhou:1:functions/f","condition":""},`+
							`"responseContext":{"statusCode":200},"responsePayload":"x"}`)
				}
				for _, body := range junk {
					put(t, s, name, body)
				}
				stream := &harness.Stream{Client: s.Stream.Client, Queue: name,
					Invoke: s.StepRunner.Invoke, Batch: 16, Retries: 3, Tolerant: true,
					Pause: func(int) time.Duration { return 10 * time.Millisecond }, Form: is.form,
					Encoded: is.encoded, DeleteFirst: is.first}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- stream.Run(ctx) }()
				for i := range 4 {
					v.On(t).Succeeded("hello", fmt.Sprint(name, i), `{"a":1}`)
				}
				for end := time.Now().Add(2 * time.Minute); len(s.MNS.Bodies(name)) > 0 &&
					time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				}
				stop()
				<-done
				if left, n := s.MNS.Bodies(name), stream.Failures.Load(); len(left) > 0 || n != 1 {
					t.Errorf(
						"%q stay in the queue; %d failures, want that of one batch of which one "+
							"dispatch failed", left, n)
				}
			})
		}
	})
}

// TestDeathAfterSubmission kills the step runner after Function Compute has accepted an
// asynchronous invocation, and before the step runner knows. The function must run once, and its
// outcome must reach the task.
func TestDeathAfterSubmission(t *testing.T) {
	t.Parallel()
	// whether the function has ended when the call is repeated
	for _, over := range []bool{true, false} {
		t.Run(fmt.Sprint(over), func(t *testing.T) {
			t.Parallel()
			s := fc.Deploy(t, fc.Options{Race: true, Runtime: harness.Custom, Clock: true,
				Env: []string{"MILLRACE_CALL_SECONDS=10"}})
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
				s.StepRunner.Kill()
				return true
			}
			v := s.On(t)
			v.Define("async", "- {Name: A, "+call("acs:fc:::functions/double", "Async",
				"WaitForSystemCallback")+"}\n")
			v.Start("async", "one", "{}")
			for end := time.Now().Add(2 * time.Minute); accepted.Load() == 0 &&
				time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			}
			s.Ahead(2 * time.Minute) // the dead step runner's lease has expired
			if !over {
				for end := time.Now().Add(2 * time.Minute); !strings.Contains(
					strings.Join(v.History("async", "one"), " "), "TaskSubmitted") &&
					time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				}
			}
			close(ended)
			if x := v.Wait("async", "one"); x.Status != "Succeeded" ||
				!strings.Contains(x.Output, `"n":42`) {
				t.Errorf("%s %s; %v", x.Status, x.Output, v.History("async", "one"))
			}
			if n := runs.Load(); n != 1 {
				t.Errorf("the function ran %d times", n)
			}
		})
	}
}
