package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// load holds the requests of clients while the server is killed, and their responses.
type load struct {
	t        *testing.T
	client   *client.Client
	tasks    *tasks
	stop     chan struct{}  // closed: clients begin nothing new
	faults   chan struct{}  // closed: the server is not killed any more
	starting sync.WaitGroup // clients that start executions
	work     sync.WaitGroup // all other clients

	mu      sync.Mutex
	started map[id]*observed
	reports map[string]*reported // by token
}

// id names an execution.
type id struct{ flow, name string }

// observed is what clients have learned about an execution.
type observed struct {
	n       int
	started client.Timestamp // the same in every response
	status  string           // final, once a response has shown it
	output  string
	stopped string // error name of the stop that was accepted
	unsure  map[string]bool
}

// reported is what reporters have learned about a token.
type reported struct {
	id
	by       string // the reporter whose report was accepted
	event    int64
	unsure   map[string]bool // reporters that never learned the result of one of their requests
	rejected map[string]bool // reporters that were rejected
}

// isTransient reports whether an error only means that the server was unavailable or too busy. The
// request may have been carried out nevertheless: a message that the client should repeat may be in
// an engine that read it in the inbox before it was retracted.
func isTransient(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.InternalServerError || code == fault.TaskInvalidState ||
		code == fault.ConcurrentUpdateError
}

func (l *load) pause() { time.Sleep(time.Duration(5+rand.IntN(20)) * time.Millisecond) }

func (l *load) ended(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// input returns the input of every flow of the load.
func input(n int) string { return fmt.Sprintf(`{"n":%d,"items":[1,2,3,4]}`, n) }

// begin starts an execution. It repeats the request until the server acknowledges it.
func (l *load) begin(x id, n int) {
	for {
		got, err := l.client.StartExecution(context.Background(), cloudflow.StartExecutionRequest{
			FlowName: x.flow, ExecutionName: x.name, Input: input(n)})
		switch code := fault.CodeOf(err); {
		case err == nil:
			l.noteStarted(x, n, got.StartedTime)
			return
		// an earlier request was applied, and the execution has ended since
		case code == fault.ExecutionAlreadyExists:
			l.noteStarted(x, n, "")
			return
		case !isTransient(err):
			l.t.Errorf("start of %v: %v", x, err)
			return
		}
		l.pause()
	}
}

// noteStarted records that an execution exists, and when it started.
func (l *load) noteStarted(x id, n int, started client.Timestamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.started[x]
	if k == nil {
		k = &observed{n: n, unsure: map[string]bool{}}
		l.started[x] = k
	}
	if started == "" {
		return
	}
	if k.started != "" && k.started != started {
		l.t.Errorf("%v was started at %s and at %s", x, k.started, started)
	}
	k.started = started
}

// describe describes an acknowledged execution and compares the response with earlier ones.
func (l *load) describe(x id, wait int64) *client.Execution {
	l.mu.Lock()
	n, before := l.started[x].n, l.started[x].status
	l.mu.Unlock()
	got, err := l.client.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{
		FlowName: x.flow, ExecutionName: x.name, WaitTimeSeconds: &wait})
	if err != nil {
		if !isTransient(err) {
			l.t.Errorf("%v, which was acknowledged: %v", x, err)
		}
		return nil
	}
	l.noteStarted(x, n, got.StartedTime)
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.started[x]
	// Another client may have got a newer response while this one was on its way.
	overtaken := got.Status == "Running" && before == ""
	if k.status != "" && !overtaken && (got.Status != k.status || got.Output != k.output) {
		l.t.Errorf("%v was shown as %s %s, and then as %s %s", x, k.status, k.output,
			got.Status, got.Output)
	}
	if got.Status != "Running" {
		k.status, k.output = got.Status, got.Output
	}
	return got
}

// report reports a task. It repeats the request until the result is known.
func (l *load) report(q waitingTask, by string) {
	r := l.reportOf(q)
	unsure := false
	for {
		event, err := l.client.ReportTaskSucceeded(context.Background(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: q.token,
				Output: fmt.Sprintf(`{"by":%q}`, by)})
		code := fault.CodeOf(err)
		l.mu.Lock()
		switch {
		case err == nil && r.by != "":
			l.t.Errorf("%v: the reports of %s and %s were both accepted", q.execution, r.by, by)
		case err == nil:
			r.by, r.event = by, event
		case code == fault.TaskAlreadyCompleted && unsure:
			r.unsure[by] = true
		case code == fault.TaskAlreadyCompleted:
			r.rejected[by] = true
		case !isTransient(err):
			l.t.Errorf("report for %v: %v", q.execution, err)
		}
		l.mu.Unlock()
		if err == nil || !isTransient(err) {
			return
		}
		unsure = true
		l.pause()
	}
}

func (l *load) reportOf(q waitingTask) *reported {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reports[q.token]
	if r == nil {
		r = &reported{id: id{name: q.execution}, unsure: map[string]bool{},
			rejected: map[string]bool{}}
		l.reports[q.token] = r
	}
	return r
}

// stopExecution stops an execution. It repeats the request until the result is known.
func (l *load) stopExecution(x id, by string) {
	unsure := false
	for {
		_, err := l.client.StopExecution(context.Background(), cloudflow.StopExecutionRequest{
			FlowName: x.flow, ExecutionName: x.name, Error: &by})
		code := fault.CodeOf(err)
		l.mu.Lock()
		k := l.started[x]
		switch {
		case err == nil && k.stopped != "":
			l.t.Errorf("%v: the stops of %s and %s were both accepted", x, k.stopped, by)
		case err == nil:
			k.stopped = by
		case code == fault.ExecutionAlreadyCompleted:
			if unsure {
				k.unsure[by] = true
			}
		case !isTransient(err):
			l.t.Errorf("stop of %v: %v", x, err)
		}
		l.mu.Unlock()
		if err == nil || !isTransient(err) {
			return
		}
		unsure = true
		l.pause()
	}
}

// kinds are the flows to start. A flow that is repeated is started more often.
var kinds = []string{"seq", "ask", "parent", "fan", "old", "stop", "large", "seq", "fan", "ask"}

// starters start executions until the load stops, and stop some of them.
func (l *load) starters(count, limit int) {
	var next sync.Mutex
	n := 0
	for range count {
		l.starting.Go(func() {
			for !l.ended(l.stop) {
				next.Lock()
				n++
				mine := n
				next.Unlock()
				if mine > limit {
					return
				}
				x := id{kinds[mine%len(kinds)], fmt.Sprintf("x%d", mine)}
				l.begin(x, mine)
				if x.flow == "stop" {
					for _, by := range []string{"Stop1", "Stop2"} {
						l.work.Go(func() {
							time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
							l.stopExecution(x, by)
						})
					}
				}
				l.pause()
			}
		})
	}
}

// reporters report every token twice, each time as another reporter.
func (l *load) reporters(done <-chan struct{}) {
	for {
		select {
		case q := <-l.tasks.tokens:
			for _, by := range []string{"r1", "r2"} {
				l.work.Go(func() {
					time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
					l.report(q, by)
				})
			}
		case <-done:
			return
		}
	}
}

// watchers describe random executions.
func (l *load) watchers(count int) {
	for range count {
		l.work.Go(func() {
			for !l.ended(l.faults) {
				if x, ok := l.any(); ok {
					l.describe(x, int64(rand.IntN(2)))
				}
				l.pause()
			}
		})
	}
}

func (l *load) any() (id, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for x := range l.started {
		return x, true
	}
	return id{}, false
}

// racers start one name after the other, with 64 concurrent requests each.
func (l *load) racers() {
	l.starting.Go(func() {
		for i := 0; !l.ended(l.stop); i++ {
			x := id{"race", fmt.Sprintf("race%d", i)}
			var all sync.WaitGroup
			for range 64 {
				all.Go(func() { l.begin(x, i) })
			}
			all.Wait()
			l.pause()
		}
	})
}
