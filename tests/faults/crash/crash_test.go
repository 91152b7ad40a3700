package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/tests/faults/versions"
	"millrace/tests/support/live"
)

// crashSeconds returns for how long the server is killed again and again: MILLRACE_CRASH_SECONDS,
// or long enough for about twenty kills.
func crashSeconds(t *testing.T) time.Duration {
	text := os.Getenv("MILLRACE_CRASH_SECONDS")
	switch {
	case text != "":
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("MILLRACE_CRASH_SECONDS is %q: a number of seconds, please", text)
		}
		return time.Duration(n) * time.Second
	case testing.Short():
		return 3 * time.Second
	}
	return 15 * time.Second
}

// perSecond limits the number of a load's executions per second of its duration.
const perSecond = 40

// TestKills kills the server while hundreds of executions are in flight, and then lets it finish
// them.
func TestKills(t *testing.T) {
	program := live.Binary(t)
	killServers(t, func() string { return program })
}

// TestVersions does the same with a random program for each life of the server: this version's or
// another commit's. So upgrades and downgrades happen at any point of any execution. The last
// program is this version's.
func TestVersions(t *testing.T) {
	before := versions.OtherCommit(t)
	programs := []string{live.Binary(t), before.Server(t)}
	killServers(t, func() string { return programs[rand.IntN(len(programs))] })
}

// killServers kills the server while hundreds of executions are in flight. next returns the program
// of the next life.
func killServers(t *testing.T, next func() string) {
	d := crashSeconds(t)
	k := newTasks(t)
	s := live.New(t, live.Options{Settings: "{SweepSeconds: 1}", Functions: functions(k.URL)})
	s.Start()
	client := s.Client()
	machines := map[string]*flow.Machine{}
	for name, text := range definitions(k.URL) {
		m, diagnostics := fdl.Parse([]byte(text), fdl.Options{})
		if m == nil {
			t.Fatalf("%s: %v", name, diagnostics)
		}
		machines[name] = m
		if _, err := client.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: name,
			Definition: text, Type: "FDL"}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	l := &load{t: t, client: client, tasks: k, stop: make(chan struct{}),
		faults: make(chan struct{}), started: map[id]*observed{}, reports: map[string]*reported{}}
	over := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() { l.reporters(over) })
	l.starters(16, int(d.Seconds())*perSecond)
	l.watchers(8)
	l.racers()

	kills, ends, slow := 0, 0, time.Duration(0)
	for until := time.Now().Add(d); time.Now().Before(until); {
		// On a busy machine, lives that are as short as on an idle one would end before a call
		// returns, five in a row. Then most calls would be given up, and the test would check
		// nothing else.
		time.Sleep(2*slow + time.Duration(100+rand.IntN(700))*time.Millisecond)
		if rand.IntN(8) == 0 {
			s.Shutdown()
			ends++
		} else {
			s.Kill()
			kills++
		}
		s.SetProgram(next())
		began := time.Now()
		if s.Start(); rand.IntN(4) > 0 { // the others may die before their store is open
			s.WaitReady()
			slow = time.Since(began)
		}
	}
	s.Kill()
	s.SetProgram(live.Binary(t))
	s.Start()
	close(l.stop)
	close(l.faults)
	l.starting.Wait() // a start may be acknowledged long after the load has stopped
	l.settle(t)
	close(over)
	reporting.Wait()
	l.work.Wait()
	l.check(t, machines)
	calls, again := k.repeated()
	t.Logf("%d kills, %d orderly ends, %d executions, %d reports, %d calls, %d of them again",
		kills, ends, len(l.started), len(l.reports), calls, again)
	s.Shutdown()
}

// settle waits until every execution has ended.
func (l *load) settle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		l.mu.Lock()
		var open []id
		for x, k := range l.started {
			if k.status == "" {
				open = append(open, x)
			}
		}
		l.mu.Unlock()
		if len(open) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for _, x := range open[:min(len(open), 10)] {
				t.Errorf("%v does not end: %s", x, l.last(x))
			}
			t.Fatalf("%d executions do not end", len(open))
		}
		var all sync.WaitGroup
		places := make(chan struct{}, 64)
		for _, x := range open {
			places <- struct{}{}
			all.Go(func() {
				l.describe(x, 1)
				<-places
			})
		}
		all.Wait()
	}
}

// last describes the end of a history.
func (l *load) last(x id) string {
	events, err := l.history(x)
	if err != nil || len(events) == 0 {
		return fmt.Sprint(err)
	}
	text := ""
	for _, e := range events[max(0, len(events)-4):] {
		text += fmt.Sprintf("%d %s %s %.100s; ", e.EventID, e.Type, e.StepName, e.EventDetail)
	}
	return text
}
