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
	"millrace/shared/rpc"
)

// load is what clients ask of the server while it is killed, and what they were told.
type load struct {
	t        *testing.T
	client   *rpc.Client
	tasks    *tasks
	stop     chan struct{}  // closed: nothing new is begun
	faults   chan struct{}  // closed: the server is not killed any more
	starting sync.WaitGroup // clients that start executions
	work     sync.WaitGroup // everybody else

	mu      sync.Mutex
	started map[id]*observed
	reports map[string]*reported // by token
}

// id names an execution.
type id struct{ flow, name string }

// observed is what clients were told of an execution.
type observed struct {
	n       int
	started rpc.Timestamp // the same in every answer
	status  string        // final, once an answer has shown it
	output  string
	stopped string // error name of the stop that was accepted
	unsure  map[string]bool
}

// reported is what reporters were told of a token.
type reported struct {
	id
	by       string // reporter that was told OK
	event    int64
	unsure   map[string]bool // reporters that never learned what became of one of their tries
	rejected map[string]bool // those that were refused
}

// isTransient reports whether an error only means that the server was away, or too busy. What was asked may
// have been done all the same: news that was told to come again may lie with a runner that has read
// it in the inbox before it was taken back.
func isTransient(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.InternalServerError || code == fault.TaskInvalidState || code == fault.ConcurrentUpdateError
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

// input is what every flow of the load takes.
func input(n int) string { return fmt.Sprintf(`{"n":%d,"items":[1,2,3,4]}`, n) }

// begin starts an execution, again and again until the server has acknowledged it.
func (l *load) begin(x id, n int) {
	for {
		got, err := l.client.StartExecution(context.Background(), cloudflow.StartExecutionRequest{FlowName: x.flow, ExecutionName: x.name, Input: input(n)})
		switch code := fault.CodeOf(err); {
		case err == nil:
			l.noteStarted(x, n, got.StartedTime)
			return
		case code == fault.ExecutionAlreadyExists: // an earlier try was applied, and has ended since
			l.noteStarted(x, n, "")
			return
		case !isTransient(err):
			l.t.Errorf("start of %v: %v", x, err)
			return
		}
		l.pause()
	}
}

// noteStarted notes that an execution exists, and since when.
func (l *load) noteStarted(x id, n int, started rpc.Timestamp) {
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

// describe reads an acknowledged execution and compares it with what was told before.
func (l *load) describe(x id, wait int64) *rpc.Execution {
	l.mu.Lock()
	n, before := l.started[x].n, l.started[x].status
	l.mu.Unlock()
	got, err := l.client.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{FlowName: x.flow, ExecutionName: x.name, WaitTimeSeconds: &wait})
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
	// What somebody else was told while this was on its way may be newer.
	overtaken := got.Status == "Running" && before == ""
	if k.status != "" && !overtaken && (got.Status != k.status || got.Output != k.output) {
		l.t.Errorf("%v was shown as %s %s, and then as %s %s", x, k.status, k.output, got.Status, got.Output)
	}
	if got.Status != "Running" {
		k.status, k.output = got.Status, got.Output
	}
	return got
}

// report tells the server the end of a task until it knows what became of that.
func (l *load) report(q waitingTask, by string) {
	r := l.reportOf(q)
	unsure := false
	for {
		event, err := l.client.ReportTaskSucceeded(context.Background(), cloudflow.ReportTaskSucceededRequest{TaskToken: q.token, Output: fmt.Sprintf(`{"by":%q}`, by)})
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
		r = &reported{id: id{name: q.execution}, unsure: map[string]bool{}, rejected: map[string]bool{}}
		l.reports[q.token] = r
	}
	return r
}

// stopExecution stops an execution until it knows what became of that.
func (l *load) stopExecution(x id, by string) {
	unsure := false
	for {
		_, err := l.client.StopExecution(context.Background(), cloudflow.StopExecutionRequest{FlowName: x.flow, ExecutionName: x.name, Error: &by})
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

// kinds are the flows that are started, the weight of each in its repeats.
var kinds = []string{"seq", "ask", "parent", "fan", "old", "stop", "large", "seq", "fan", "ask"}

// starters start executions until the load stops; some are stopped again.
func (l *load) starters(count, most int) {
	var next sync.Mutex
	n := 0
	for range count {
		l.starting.Go(func() {
			for !l.ended(l.stop) {
				next.Lock()
				n++
				mine := n
				next.Unlock()
				if mine > most {
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

// reporters report every token, twice, each time as somebody else.
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

// watchers look at executions picked at random.
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

// racers start one name after the other, 64 at a time.
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
