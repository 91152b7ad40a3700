package chaos_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// skewedClock is a clock that tests can set back and stop.
type skewedClock struct {
	by        atomic.Int64
	stoppedAt atomic.Pointer[time.Time]
}

func (b *skewedClock) now() time.Time {
	if at := b.stoppedAt.Load(); at != nil {
		return *at
	}
	return time.Now().Add(-time.Duration(b.by.Load()))
}

// stop stops the clock until it is set.
func (b *skewedClock) stop() {
	at := b.now()
	b.stoppedAt.Store(&at)
}

func (b *skewedClock) set(by time.Duration) {
	b.by.Store(int64(by))
	b.stoppedAt.Store(nil)
}

// startInProcess runs the server in this process, with a clock of the test.
func startInProcess(
	t *testing.T, data string, now func() time.Time,
) (c *client.Client, end func()) {
	t.Helper()
	a, err := local.Open(context.Background(),
		local.Config{Data: data, Now: now, Settings: config.Settings{SweepSeconds: 1},
			Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	if c, err = client.New(client.Options{Endpoint: server.URL}); err != nil {
		t.Fatal(err)
	}
	return c, func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestClockSetBack sets the clock back by an hour while a server runs, and by a day between two
// processes. Nothing that was acknowledged is lost or counts twice, names stay taken, and
// executions that start afterwards end.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	clock := &skewedClock{}
	c, end := startInProcess(t, data, clock.now)
	flows(t, c)
	known := acknowledged{}
	round := func(name string) {
		t.Helper()
		for i := range 20 {
			if err := known.start(c, "pass", fmt.Sprint(name, i),
				fmt.Sprintf(`{"n":%d}`, i)); err != nil {
				t.Error(err)
			}
		}
		for i := range 5 {
			if err := known.start(c, "waits", fmt.Sprint(name, i), "{}"); err != nil {
				t.Error(err)
			}
		}
	}
	taken := func(name string) {
		t.Helper()
		for i := range 20 {
			_, err := c.StartExecution(context.Background(),
				cloudflow.StartExecutionRequest{FlowName: "pass",
					ExecutionName: fmt.Sprint(name, i), Input: "{}"})
			if fault.CodeOf(err) != fault.ExecutionAlreadyExists {
				t.Errorf("%s%d is started again: %v", name, i, err)
			}
		}
	}
	round("before")
	known.check(t, c)
	clock.set(time.Hour)
	taken("before")
	round("hour")
	known.check(t, c)
	end()
	clock.set(24 * time.Hour)
	c, end = startInProcess(t, data, clock.now)
	taken("before")
	taken("hour")
	round("day")
	known.check(t, c)
	clock.set(0) // the clock is right again
	taken("day")
	round("right")
	known.check(t, c)
	end()
}

// TestClockSetBackUnderWait: a running wait goes by the clock. It ends when the clock reaches its
// time again.
func TestClockSetBackUnderWait(t *testing.T) {
	t.Parallel()
	clock := &skewedClock{}
	c, end := startInProcess(t, t.TempDir(), clock.now)
	defer end()
	flows(t, c)
	known := acknowledged{}
	clock.stop() // the wait must not end before the clock is set back
	if err := known.start(c, "waits", "one", "{}"); err != nil {
		t.Fatal(err)
	}
	clock.set(time.Hour)
	time.Sleep(1500 * time.Millisecond)
	no := int64(0)
	if x, err := c.DescribeExecution(context.Background(),
		cloudflow.DescribeExecutionRequest{FlowName: "waits", ExecutionName: "one",
			WaitTimeSeconds: &no}); err != nil || x.Status != "Running" {
		t.Errorf("it does not go by the clock: %+v %v", x, err)
	}
	clock.set(0)
	known.check(t, c)
}
