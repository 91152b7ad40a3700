package fc_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
)

// broker returns an MNS with a queue and a dead-letter queue.
func broker() *mns.Server {
	s := mns.New(mns.Options{})
	s.CreateQueue("work")
	s.CreateQueue("dead")
	return s
}

// run runs a stream until ok returns true; it returns the error of Run.
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

// send sends messages; their bodies are encoded as clients of MNS do by default.
func send(t testing.TB, server *mns.Server, bodies ...string) {
	t.Helper()
	encoded := make([]string, len(bodies))
	for i, body := range bodies {
		encoded[i] = base64.StdEncoding.EncodeToString([]byte(body))
	}
	if err := server.Client().Send(t.Context(), "work", encoded...); err != nil {
		t.Fatal(err)
	}
}

// TestStream: each message reaches the function in every form that a trigger may have, in both
// runtimes.
func TestStream(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		for _, c := range []struct {
			form    fc.Form
			encoded bool
			first   bool
		}{{fc.Events, false, false}, {fc.Events, true, true}, {fc.RawData, false, true},
			{fc.RawData, true, false}, {fc.Rule, false, false}, {fc.Rule, true, true}} {
			server := broker()
			f := deploy(t, runtime, func(f *fc.Function) { f.Instances = 2 })
			s := &fc.Stream{
				Client:      server.Client(),
				Queue:       "work",
				Invoke:      f.Invoke,
				Form:        c.form,
				Encoded:     c.encoded,
				DeleteFirst: c.first,
				Batch:       8,
				Tasks:       2,
				Window:      20 * time.Millisecond,
			}
			var want []string
			for i := range 20 {
				body := fmt.Sprintf("message-%02d", i)
				if send(t, server, body); c.encoded {
					body = base64.StdEncoding.EncodeToString([]byte(body))
				}
				want = append(want, body)
			}
			all := func() string { return strings.Join(said(f, 0), "\n") }
			if err := run(t, s, func() bool {
				got := all()
				for _, body := range want {
					if !strings.Contains(got, body) {
						return false
					}
				}
				return len(server.Bodies("work")) == 0
			}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			for _, body := range want {
				if n := strings.Count(all(), body); n != 1 {
					t.Errorf("%+v: %s arrived %d times", c, body, n)
				}
			}
			isArray := strings.HasPrefix(all(), "[")
			if s.Failures.Load() != 0 || isArray != (c.form != fc.Rule) ||
				strings.Contains(all(), "specversion") != (c.form != fc.RawData) {
				t.Errorf("%+v: %d failures, %s", c, s.Failures.Load(), all())
			}
		}
	})
}

// TestBatchesFailAsAWhole: the whole batch is repeated when the function fails, and goes to the
// dead-letter queue in the end. Without tolerance, the stream stops instead.
func TestBatchesFailAsAWhole(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		server := broker()
		f := deploy(t, runtime, nil)
		s := &fc.Stream{
			Client:     server.Client(),
			Queue:      "work",
			Invoke:     f.Invoke,
			Form:       fc.RawData,
			Batch:      16,
			Window:     50 * time.Millisecond,
			Retries:    2,
			Tolerant:   true,
			DeadLetter: "dead",
			Pause:      func(int) time.Duration { return time.Millisecond },
		}
		count := func(line string, all int) (n int) {
			for _, l := range said(f, all) {
				if l == line {
					n++
				}
			}
			return n
		}
		send(t, server, "good", "twice")
		run(t, s, func() bool { return len(server.Bodies("work")) == 0 && s.Batches.Load() > 0 })
		if n := count(`["good","twice"]`, 3); n != 3 || s.Failures.Load() != 2 ||
			len(server.Bodies("dead")) != 0 {
			t.Errorf("%d times, %d failures, dead %v", n, s.Failures.Load(), server.Bodies("dead"))
		}
		send(t, server, "always", "beside")
		run(t, s, func() bool { return len(server.Bodies("dead")) == 2 })
		if n := count(`["always","beside"]`, 6); n != 3 || s.Dead.Load() != 2 {
			t.Errorf("%d times, %d dead", n, s.Dead.Load())
		}
		s.Tolerant = false
		send(t, server, "always")
		if err := run(t, s, func() bool { return false }); !errors.Is(err, fc.ErrStopped) {
			t.Errorf("without tolerance: %v", err)
		}
	})
}
