package fc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/fc"
)

// ordered are states that return the contents of a message.
const ordered = "- {Name: A, Type: Pass, OutputConstructor: {payload.$: $Input.payload, " +
	"origin.$: $Input.origin}, End: true}\n"

// lostOrders is the queue of the dead letters of other queues.
const lostOrders = "lost-orders"

// bring lets an event stream bring the messages of a queue to the starter, until the test ends.
func bring(t *testing.T, s *fc.Stack, queue string, change func(*harness.Stream)) {
	s.MNS.CreateQueue(queue)
	stream := &harness.Stream{Client: s.Stream.Client, Queue: queue, Invoke: s.Starter.Invoke,
		Batch: 4, Tasks: 2, Retries: 3, Tolerant: true,
		DeadLetter: lostOrders, Pause: func(int) time.Duration { return 20 * time.Millisecond }}
	if change != nil {
		change(stream)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { stream.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

// put puts a message into a queue, like any program of a user.
func put(t *testing.T, s *fc.Stack, queue, body string) {
	t.Helper()
	if err := s.Stream.Client.Send(t.Context(), queue, body); err != nil {
		t.Fatal(err)
	}
}

// executions returns the names of the executions of a flow.
func executions(t *testing.T, s *fc.Stack, flow string) (names []string) {
	t.Helper()
	for q := (cloudflow.ListExecutionsRequest{FlowName: flow}); ; {
		page, err := s.Client.ListExecutions(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Executions {
			names = append(names, x.Name)
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return names
		}
	}
}

// soon waits until f returns true, and fails the test otherwise.
func soon(t *testing.T, what func() string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what())
		}
	}
}

// drained reports whether queues are empty.
func drained(s *fc.Stack, queues ...string) bool {
	return !slices.ContainsFunc(queues, func(q string) bool { return len(s.MNS.Bodies(q)) > 0 }) &&
		s.Starter.Idle()
}

// TestQueueStarts checks that messages of queues, which EventBridge brings in its forms, start one
// execution each, although they come twice, in another order, and in batches that fail.
func TestQueueStarts(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		forms := map[string]func(*harness.Stream){"events": nil,
			"single":  func(st *harness.Stream) { st.Form = harness.Rule },
			"encoded": func(st *harness.Stream) { st.Encoded = true },
			"early":   func(st *harness.Stream) { st.DeleteFirst = true }}
		var rules, queues []string
		for q := range forms {
			rules = append(rules, "{queue: "+q+", flow: of-"+q+", account: '"+fc.Account+"'}")
			queues = append(queues, q)
		}
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r,
			Env: []string{"MILLRACE_STARTS=[" + strings.Join(rules, ", ") + "]"}})
		s.MNS.CreateQueue(lostOrders)
		for q, change := range forms {
			s.Define("of-"+q, ordered)
			bring(t, s, q, func(st *harness.Stream) {
				if change != nil {
					change(st)
				}
				invoke := st.Invoke
				var n atomic.Int64
				// the response of every third is lost
				st.Invoke = func(event []byte) ([]byte, error) {
					response, err := invoke(event)
					if n.Add(1)%3 == 0 && err == nil {
						err = harness.ErrTimedOut
					}
					return response, err
				}
			})
		}
		s.MNS.SetFaults(emulator.Faults{Seed: 3, Duplicate: 0.3, Reorder: 0.3})
		want := []string{`"a text"`}
		for i := range 6 {
			want = append(want, fmt.Sprintf(`{"id":%d}`, i))
		}
		slices.Sort(want)
		for _, q := range queues {
			put(t, s, q, "a text")
			for i := range 6 {
				body := fmt.Sprintf(`{"id": %d}`, i)
				if i%2 == 0 {
					body = base64.StdEncoding.EncodeToString([]byte(body))
				}
				put(t, s, q, body)
			}
		}
		for _, q := range queues {
			soon(t, func() string {
				return fmt.Sprintf("%s: %q are left; started %v", q, s.MNS.Bodies(q),
					executions(t, s, "of-"+q))
			}, func() bool {
				return drained(s, q) && len(executions(t, s, "of-"+q)) >= len(want)
			})
			var got []string
			for _, name := range executions(t, s, "of-"+q) {
				x := s.Wait("of-"+q, name)
				var output struct {
					Payload json.RawMessage
					Origin  string
				}
				if err := json.Unmarshal([]byte(x.Output), &output); err != nil ||
					x.Status != "Succeeded" || output.Origin != q {
					t.Errorf("%s of %s: %s %s", name, q, x.Status, x.Output)
				}
				got = append(got, string(output.Payload))
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s started %q, want %q", q, got, want)
			}
		}
	})
}

// TestQueueStartsThatFail checks that messages that can start nothing become dead letters, and that
// the other messages of their batch start executions nevertheless.
func TestQueueStartsThatFail(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r,
			Env: []string{"MILLRACE_STARTS=[{queue: orders, flow: ordered, account: '" +
				fc.Account + "'}, " +
				"{queue: nowhere, flow: missing, account: '" + fc.Account +
				"'}, {queue: bare, flow: ordered, account: '" + fc.Account + "'}]"}})
		s.MNS.CreateQueue(lostOrders)
		s.Define("ordered", ordered)
		bring(t, s, "orders", nil)
		bring(t, s, "nowhere", nil)
		// without ids: two of them could not be distinguished
		bring(t, s, "bare", func(st *harness.Stream) { st.Form = harness.RawData })
		// no rule matches it, which would remain unnoticed
		bring(t, s, "ignored", nil)
		for _, q := range []string{"orders", "nowhere", "bare", "ignored"} {
			put(t, s, q, `{"from":"`+q+`"}`)
		}
		dead := func() []string { return s.MNS.Bodies(lostOrders) }
		soon(t, func() string { return fmt.Sprintf("dead letters: %q", dead()) }, func() bool {
			return drained(s, "orders", "nowhere", "bare", "ignored") && len(dead()) == 3 &&
				len(executions(t, s, "ordered")) > 0
		})
		if got := strings.Join(dead(), " "); !strings.Contains(got, `{"from":"nowhere"}`) ||
			!strings.Contains(got, `{"from":"bare"}`) ||
			!strings.Contains(got, `{"from":"ignored"}`) {
			t.Errorf("dead letters: %s", got)
		}
		names := executions(t, s, "ordered")
		if len(names) != 1 {
			t.Fatalf("started %v", names)
		}
		s.Succeeded("ordered", names[0], `{"origin":"orders","payload":{"from":"orders"}}`)
	})
}
