package faas_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue"
	"millrace/tests/clouds/emulators/alibaba/fc"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
)

// broker returns an MNS with a queue of hints and a dead-letter queue, and the product's client of
// it.
func broker(t testing.TB) (*emulator.Server, *mns.Client) {
	t.Helper()
	s := emulator.New(emulator.Options{})
	s.CreateQueue("hints")
	s.CreateQueue("dead")
	return s, &mns.Client{
		Endpoint: mns.Endpoint(fc.AccountID, fc.Region, false),
		HTTP:     &http.Client{Transport: s.Transport()},
		Credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID:     emulator.AccessKeyID,
			AccessKeySecret: emulator.AccessKeySecret,
		}),
	}
}

// run runs a stream until the test ends or until ok returns true; it returns the error of Run.
func run(t testing.TB, s *fc.Stream, ok func() bool) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-ended:
			return err
		default:
		}
		if time.Now().After(end) {
			t.Fatal("nothing more comes")
		}
	}
	cancel()
	return <-ended
}

// send sends a hint for each partition.
func send(t testing.TB, client *mns.Client, partitions ...string) {
	t.Helper()
	q := mnsqueue.New(mnsqueue.Options{Client: client, Name: "hints"})
	for _, p := range partitions {
		if err := q.Send(t.Context(), queue.Hint{Partition: p}); err != nil {
			t.Fatal(err)
		}
	}
}

// worked returns what the probe has processed or dispatched, without repetitions.
func worked(f *fc.Function, n int) []string {
	lines := said(f, n)
	sort.Strings(lines)
	return slices.Compact(lines)
}

// TestStream: hints reach the function in every form that a trigger may have, in both runtimes.
func TestStream(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		for _, c := range []struct {
			form    fc.Form
			encoded bool
			first   bool
		}{{fc.Events, false, false}, {fc.Events, true, true}, {fc.RawData, false, true},
			{fc.RawData, true, false}, {fc.Rule, false, false}, {fc.Rule, true, true}} {
			server, client := broker(t)
			f := deploy(t, runtime, "queue", func(f *fc.Function) { f.Instances = 2 })
			var want []string
			for i := range 20 {
				p := fmt.Sprint("x#1#", i)
				send(t, client, p)
				want = append(want, "work "+p)
			}
			sort.Strings(want)
			s := &fc.Stream{
				Client:      server.Client(),
				Queue:       "hints",
				Invoke:      f.Invoke,
				Form:        c.form,
				Encoded:     c.encoded,
				DeleteFirst: c.first,
				Batch:       8,
				Tasks:       2,
				Window:      20 * time.Millisecond,
			}
			if err := run(t, s, func() bool {
				return len(server.Bodies("hints")) == 0 && len(worked(f, 0)) == 20
			}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if got := worked(f, 20); !slices.Equal(got, want) || s.Failures.Load() != 0 {
				t.Errorf("%+v: %v, failures %d", c, got, s.Failures.Load())
			}
		}
	})
}

// TestBatchesFailAsAWhole: the whole batch is repeated when one of its messages fails, and goes to
// the dead-letter queue in the end. A malformed message alone fails nothing.
func TestBatchesFailAsAWhole(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		server, client := broker(t)
		f := deploy(t, runtime, "queue", nil)
		s := &fc.Stream{
			Client:     server.Client(),
			Queue:      "hints",
			Invoke:     f.Invoke,
			Batch:      16,
			Window:     50 * time.Millisecond,
			Retries:    2,
			Tolerant:   true,
			DeadLetter: "dead",
			Pause:      func(int) time.Duration { return time.Millisecond },
		}
		if _, err := client.Send(t.Context(), "hints", []mns.OutgoingMessage{{Body: "poison"},
			{Body: `{"v":9,"p":"x#1#newer"}`}, {Body: "bm90IEpTT04="}}); err != nil {
			t.Fatal(err)
		}
		send(t, client, "x#1#good", "x#1#twice")
		run(t, s, func() bool { return len(server.Bodies("hints")) == 0 && s.Batches.Load() > 0 })
		count := func(line string, all int) (n int) {
			for _, l := range said(f, all) {
				if l == line {
					n++
				}
			}
			return n
		}
		if s.Failures.Load() != 2 || count("work x#1#twice", 6) != 3 ||
			count("work x#1#good", 6) != 3 || len(server.Bodies("dead")) != 0 {
			t.Errorf("%d failures, %v, dead %v", s.Failures.Load(), said(f, 0),
				server.Bodies("dead"))
		}
		send(t, client, "x#1#always", "x#1#beside")
		run(t, s, func() bool { return len(server.Bodies("dead")) == 2 })
		if s.Dead.Load() != 2 || count("work x#1#beside", 12) != 3 {
			t.Errorf("%d dead, %v", s.Dead.Load(), said(f, 0))
		}
		send(t, client, "x#1#panic", "x#1#exit")
		run(t, s, func() bool { return len(server.Bodies("dead")) == 4 })
		s.Tolerant = false
		send(t, client, "x#1#always")
		if err := run(t, s, func() bool { return false }); !errors.Is(err, fc.ErrStopped) {
			t.Errorf("without tolerance: %v", err)
		}
	})
}

// TestDispatch: the trigger's invocation only dispatches; the asynchronous invocation of a hint
// does the work.
func TestDispatch(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		server, client := broker(t)
		f := deploy(t, runtime, "queue",
			func(f *fc.Function) { f.Env = append(f.Env, "DISPATCH=1"); f.Retries = 3 })
		send(t, client, "x#1#a", "x#1#b", "x#1#a")
		s := &fc.Stream{
			Client: server.Client(),
			Queue:  "hints",
			Invoke: f.Invoke,
			Batch:  16,
			Window: 50 * time.Millisecond,
		}
		run(t, s, func() bool { return len(server.Bodies("hints")) == 0 && s.Batches.Load() > 0 })
		if got := worked(f, 2); !slices.Equal(got, []string{"dispatch x#1#a", "dispatch x#1#b"}) ||
			s.Failures.Load() != 0 {
			t.Errorf("%v", got)
		}
		hint, _ := mnsqueue.EncodeJSON("x#1#twice")
		ended := make(chan error, 1)
		if !f.Async(hint, "task", func(_ []byte, err error) { ended <- err }) ||
			f.Async(hint, "task", nil) {
			t.Error("the task's id is not kept")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		n := 0
		for _, line := range said(f, 5) {
			if line == "work x#1#twice" {
				n++
			}
		}
		if n != 3 {
			t.Errorf("worked %d times: %v", n, said(f, 0))
		}
		if body, err := f.Invoke([]byte(`{"v":2,"p":"x#1#newer"}`)); err != nil {
			t.Errorf("a hint that is not understood: %s %v", body, err)
		}
	})
}
