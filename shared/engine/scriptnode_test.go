package engine_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"sync"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
	"millrace/shared/task/subflowtask"
)

// scriptNode is one process of a script: an engine with a way to the store of its own, which can
// fail.
type scriptNode struct {
	*node
	s       *script
	name    string
	number  int // how many processes were opened before
	ctx     context.Context
	session time.Duration // of a hint's invocation, in functions
	latency time.Duration // of a write, so that no two processes write at the same moment

	mu      sync.Mutex
	dead    bool
	crashAt string // "before-commit", "after-commit": the next commit of a state row kills it
	faults  map[string]*storeFault
	slow    time.Duration
	slowFor int // how many commits are slow
	drawn   map[string]uint64
}

// storeFault makes the next operations of one kind fail.
type storeFault struct {
	kind string // refuse, lose, conflict
	left int
}

// latencyStep keeps the writes of processes apart, settleTime is how long a command goes on. Both
// are far below what is printed.
const (
	latencyStep = 13 * time.Nanosecond
	settleTime  = 20 * time.Microsecond
)

var faultText = map[string]string{"conflict": "conflict", "refuse": "the store is away"}

var errDead = errors.New("the process is dead")

// newScriptNode starts a process.
func (s *script) newScriptNode(
	name string, session time.Duration, edit func(*engine.Options),
) *scriptNode {
	number := len(s.nodes)
	n := &scriptNode{s: s, name: name, number: number, session: session,
		latency: 100*time.Nanosecond + time.Duration(number)*latencyStep,
		faults:  map[string]*storeFault{}, drawn: map[string]uint64{}}
	n.node = &node{w: s.w}
	flows := subflowtask.New(starter{n.node}, nil)
	flows.AnyOwner = true
	o := engine.Options{
		Queue: scriptQueue{n}, Compile: compile,
		Tasks: task.NewTable(map[string]task.Runner{"FNF:StartExecution": flows,
			"FC:InvokeFunction": task.RunnerFunc(n.call)}, nil),
		Limits: flow.DefaultLimits(), Region: "local",
		Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)),
	}
	edit(&o)
	o.Store = store.New(store.Options{Driver: scriptDriver{s.w.mem, n}, TailBytes: 600,
		Random: n.random, Exclusive: o.Topology == engine.Embedded})
	n.Engine = engine.New(o)
	n.ctx, n.stop = context.WithCancel(context.Background())
	s.nodes = append(s.nodes, n)
	if o.Topology == engine.Embedded {
		n.work.Go(func() { n.Resume(n.ctx) })
	}
	return n
}

// random depends only on the process, the purpose and how often it was asked for. So a script runs
// the same each time. The owner of leases is the first that an engine draws.
func (n *scriptNode) random(purpose string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drawn[purpose]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", n.number, purpose, n.drawn[purpose])
	if purpose == "owner" {
		n.s.addOwner(h.Sum64()|1, n.name)
	}
	return h.Sum64() | 1
}

// isDead reports whether the process has crashed.
func (n *scriptNode) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

// crash ends the process at once: nothing that it does reaches the store any more.
func (n *scriptNode) crash() {
	n.mu.Lock()
	n.dead = true
	n.mu.Unlock()
	if n.closed {
		return
	}
	n.closed = true
	n.stop()
	n.Close(canceledContext())
	n.work.Wait()
}

// handle delivers a hint to the process, and prints the end of the work session that it opens.
func (n *scriptNode) handle(h scriptHint) {
	n.work.Go(func() {
		var err error
		if n.Topology == engine.Functions {
			ctx, cancel := context.WithTimeout(n.ctx, n.session)
			defer cancel()
			err = n.RunUntilIdle(ctx, h.partition)
		} else {
			err = n.HandleHint(n.ctx, h.partition)
		}
		switch {
		case n.isDead():
		case err != nil:
			n.s.record(rankResponse, "%s fails, the hint goes back: %v", n.name, err)
			n.s.queue.add(n, h.partition, time.Minute)
		case n.Topology == engine.Functions:
			n.s.record(rankResponse, "%s ends its session", n.name)
		}
	})
}

// scriptCall is a call in flight.
type scriptCall struct {
	node             *scriptNode
	execution, state string
	attempt          int64
	result           chan task.Result
}

// call is a function: it returns what the script answers. The call of a task that waits for a
// report returns at once.
func (n *scriptNode) call(ctx context.Context, r task.Request) task.Result {
	c := &scriptCall{node: n, execution: r.Execution, state: r.State, attempt: attemptOf(r.Key),
		result: make(chan task.Result, 1)}
	n.s.record(rankCall, "%s calls %s of %s: attempt %d, key %s", n.name, r.State, r.Execution,
		c.attempt, n.s.maskKey(r.Key))
	n.s.addCall(c, r.Token)
	defer n.s.removeCall(c)
	if r.Mode == flow.WaitForCustomCallback {
		return task.Result{Output: []byte(`{}`)}
	}
	select {
	case result := <-c.result:
		return result
	case <-ctx.Done():
		if !n.isDead() {
			n.s.record(rankCall, "%s cancels its call of %s of %s", n.name, r.State, r.Execution)
		}
		return task.Fail("Canceled", "the call was canceled")
	}
}

// attemptOf returns the attempt in an idempotency key.
func attemptOf(key string) int64 {
	b, err := hex.DecodeString(key)
	if err != nil || len(b) != 16 {
		return -1
	}
	n := int64(0)
	for _, c := range b[8:] {
		n = n<<8 | int64(c)
	}
	return n
}

// scriptQueue sends the hints of a process to the one queue of a script.
type scriptQueue struct{ n *scriptNode }

func (q scriptQueue) Send(_ context.Context, hints ...queue.Hint) error {
	if q.n.isDead() {
		return errDead
	}
	for _, h := range hints {
		after := ""
		if h.Delay > 0 {
			after = " for " + q.n.s.at(time.Now().Add(h.Delay).UnixMilli())
		}
		q.n.s.record(rankHint, "%s sends a hint: %s%s", q.n.name,
			executionOf(h.Partition), after)
		q.n.s.queue.add(q.n, h.Partition, h.Delay)
	}
	return nil
}

// scriptDriver is the way of one process to the store.
type scriptDriver struct {
	driver.Driver
	n *scriptNode
}

// write waits for the latency of a write and applies it, unless the process is dead or the script
// makes the write fail. print is called at the same moment as the write.
func (d scriptDriver) write(op string, key driver.Key, apply func() error, print func()) error {
	n := d.n
	fault, crashAt, latency := n.nextWrite(op, key)
	time.Sleep(latency)
	if n.isDead() {
		return errDead
	}
	what := op + " of " + rowOf(key)
	if fault == "conflict" || fault == "refuse" {
		n.s.record(rankWrite, "%s: %s fails: %s", n.name, what, faultText[fault])
		if fault == "conflict" {
			return store.ErrConflict
		}
		return errUnknownOutcome
	}
	if crashAt == "before-commit" {
		n.s.kill(n, "before its "+what)
		return errDead
	}
	n.s.writing.Lock()
	err := apply()
	if err == nil && strings.HasPrefix(key.Partition, "x#") {
		print()
	} else if err != nil {
		n.s.record(rankWrite, "%s: %s fails: %s", n.name, what, trimError(err))
	}
	n.s.writing.Unlock()
	switch {
	case crashAt != "":
		n.s.kill(n, "after its "+what)
		return errDead
	case fault == "lose" && err == nil:
		n.s.record(rankFault, "%s: the response to this %s is lost", n.name, op)
		return errUnknownOutcome
	}
	return err
}

// nextWrite takes the next fault of an operation, the crash that waits for it, and its latency.
func (n *scriptNode) nextWrite(op string, key driver.Key) (fault, crashAt string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d = n.latency
	if !strings.HasPrefix(key.Partition, "x#") {
		return "", "", d
	}
	if f := n.faults[op]; f != nil && f.left > 0 && (op != "commit" || key.Sort == "a") {
		f.left--
		fault = f.kind
	}
	if op == "commit" && key.Sort == "a" {
		crashAt, n.crashAt = n.crashAt, ""
		if n.slowFor > 0 {
			n.slowFor--
			d += n.slow
		}
	}
	return fault, crashAt, d
}

func (d scriptDriver) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	return d.write("commit", cas.Key,
		func() error { return d.Driver.Commit(ctx, puts, cas, cond) },
		func() { d.n.s.printCommit(d.n, puts, cas.Key) })
}

func (d scriptDriver) Put(ctx context.Context, rows []driver.Row) error {
	return d.write("put", rows[0].Key, func() error { return d.Driver.Put(ctx, rows) },
		func() { d.n.s.record(rankWrite, "%s puts %s", d.n.name, rowOf(rows[0].Key)) })
}

func (d scriptDriver) Delete(
	ctx context.Context, key driver.Key, cond *driver.Condition,
) error {
	return d.write("delete", key, func() error { return d.Driver.Delete(ctx, key, cond) },
		func() { d.n.s.record(rankWrite, "%s deletes %s", d.n.name, rowOf(key)) })
}

func (d scriptDriver) Get(ctx context.Context, key driver.Key) (driver.Row, error) {
	if d.n.isDead() {
		return driver.Row{}, errDead
	}
	return d.Driver.Get(ctx, key)
}

func (d scriptDriver) Range(ctx context.Context, r driver.Range) ([]driver.Row, bool, error) {
	if d.n.isDead() {
		return nil, false, errDead
	}
	return d.Driver.Range(ctx, r)
}
