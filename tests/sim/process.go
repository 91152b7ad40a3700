package sim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
	"millrace/shared/task/subflowtask"
)

// topology is the kind of deployment of a run.
type topology int

const (
	embedded  topology = iota // one process that owns its store
	servers                   // several long-running processes that share a store
	functions                 // several processes that live for an invocation
	topologies
)

func (h topology) String() string { return [...]string{"local", "servers", "functions"}[h] }

// process is one process, from its start to its death.
type process struct {
	w        *World
	name     string
	engine   *engine.Engine
	service  *cloudflow.Service
	store    *store.Store
	skew     atomic.Int64 // of its clock, ns
	dead     chan struct{}
	retiring bool      // it ends on purpose
	surplus  bool      // and no process replaces it
	owner    uint64    // of its leases
	frozen   time.Time // nothing that it sends leaves it before
	life     context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup

	mu           sync.Mutex
	transactions map[string]*transaction
	shares       *shares        // nil in most runs
	drawn        map[string]int // random numbers, by purpose
}

// transaction is the input of a transaction.
type transaction struct {
	version  int64 // of the row that it loaded; 0 for a claim
	advances bool
	input    interp.StepInput
}

// sweepEvery is the interval between two sweeps of a process.
const sweepEvery = time.Minute

// newProcess starts a process.
func newProcess(w *World) *process {
	w.processesStarted++
	p := &process{w: w, name: fmt.Sprintf("p%d", w.processesStarted), dead: make(chan struct{}),
		transactions: map[string]*transaction{}, drawn: map[string]int{}}
	p.life, p.stop = context.WithCancel(always)
	p.moveClock()
	var rows driver.Driver = &storeClient{w, p}
	if w.bug != nil && w.bug.Driver != nil {
		rows = w.bug.Driver(rows)
	}
	p.store = store.New(store.Options{Driver: rows, Now: p.now, TailBytes: w.tail,
		Sizes: w.sizes.store, Exclusive: w.topology == embedded, Random: p.random,
		// They raise what earlier processes have stored.
		ListShards: int(1 + w.number("list shards of "+p.name)%6),
		WakeShards: int(w.number("wake shards of "+p.name) % 6)})
	flows := subflowtask.New(starter{p}, nil)
	flows.AnyOwner = true
	world := task.RunnerFunc(func(ctx context.Context, r task.Request) task.Result {
		return w.tasks.run(ctx, p, r)
	})
	tasks := task.NewTable(map[string]task.Runner{
		"FNF:StartExecution": task.RunnerFunc(func(ctx context.Context,
			r task.Request) task.Result {
			return flows.Run(context.WithValue(ctx, requester{}, "call "+r.Key), r)
		})}, world)
	if w.mocked != nil {
		tasks = task.NewTable(nil, world)
	}
	o := engine.Options{Store: p.store, Queue: queueClient{p}, Tasks: tasks, Compile: compileOnce,
		Limits: w.limits, Region: "local", Now: p.now,
		Log: slog.New(slog.NewTextHandler(logs{p}, &slog.HandlerOptions{Level: slog.LevelWarn,
			ReplaceAttr: noTime})),
		LeaseMax: w.lease, Retention: w.retention, CatchUp: w.schedules.catchUp,
		CallsMax: w.calls, TransactionWorkMax: w.transactionWork,
		TransactionEventsMax: w.sizes.events,
		BlockSize:            w.sizes.block, OnTransaction: p.noteTransaction}
	o.OnExpressStep = p.noteExpress
	if p.shares = w.newShares(); p.shares != nil {
		o.Shares = p.shares.pools
	}
	switch w.topology {
	case embedded:
		o.Topology = engine.Embedded
	case servers:
		o.StoreExpires = w.expires
	case functions:
		o.Topology, o.StoreExpires, o.CallTimeMax = engine.Functions, true, w.lease
	}
	if w.rights != nil {
		o.Rights = w.rights.of
	}
	o.Items = world
	if w.bug != nil && w.bug.Engine != nil {
		w.bug.Engine(&o)
	}
	p.engine = engine.New(o)
	p.service = cloudflow.New(cloudflow.Options{Store: p.store, Engine: p.engine, Limits: w.limits,
		Region: "local", Rights: o.Rights,
		PageBytes: w.sizes.page, Now: p.now, Log: o.Log})
	first := time.Duration(w.rand.IntN(60_000))*time.Millisecond +
		time.Duration(w.processesStarted)*time.Microsecond
	p.spawn(func() { p.sweep(first) })
	w.tracef("%s starts, clock %+v", p.name, time.Duration(p.skew.Load()))
	return p
}

// random replaces the system's random source. The values for one purpose do not depend on those
// drawn for other purposes meanwhile.
func (p *process) random(about string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.drawn[about]
	p.drawn[about]++
	u := max(p.w.number(fmt.Sprintf("%s draws %d for %s", p.name, n, about))<<3, 1)
	if about == "owner" {
		p.owner = u
	}
	return u
}

func compile(definition, mode string) (*flow.Machine, error) {
	m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode, Limits: longest()})
	if m == nil {
		return nil, fdl.Fault(diagnostics)
	}
	return m, nil
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// logs writes what a process logs to the trace, if there is one.
type logs struct{ p *process }

func (l logs) Write(b []byte) (int, error) {
	if out := l.p.w.trace.out; out != nil && !l.p.isDead() {
		io.WriteString(out, "          "+l.p.name+" logs "+string(b))
	}
	if strings.Contains(string(b), "the interpreter broke") {
		l.p.w.interpreterPanicked(string(b))
	}
	return len(b), nil
}

func (p *process) now() time.Time { return time.Now().Add(time.Duration(p.skew.Load())) }

// moveClock sets the clock of a process.
func (p *process) moveClock() {
	if s := p.w.faults.skew; s > 0 && !p.w.quiesced {
		p.skew.Store(p.w.rand.Int64N(int64(2*s)+1) - int64(s))
	}
}

func (p *process) died() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.dead
}

func (p *process) isDead() bool {
	select {
	case <-p.died():
		return true
	default:
		return false
	}
}

func (p *process) spawn(f func()) {
	p.work.Go(f)
}

// sweep runs the process's sweeper.
func (p *process) sweep(first time.Duration) {
	if p.w.topology == embedded {
		p.engine.Resume(p.life)
		err := p.store.EachFlow(p.life,
			func(f *store.Flow) error { return p.engine.CountRunning(p.life, f) })
		p.engine.CountingDone(err == nil)
	}
	for wait := first; ; {
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-timer.C:
			p.engine.Sweep(p.life)
			wait = p.skipIdleSweeps(time.Now())
		case <-p.life.Done():
			timer.Stop()
			return
		}
	}
}

// noteTransaction records the input of a transaction. The engine calls it.
func (p *process) noteTransaction(partition string, version int64, advancing bool,
	ev interp.StepInput) {
	p.w.crashOnPoison(p, partition, advancing, ev)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ev.Lease != nil {
		take := *ev.Lease
		ev.Lease = &take
		if p.shares != nil { // called within the transaction
			p.transactions[partition].input.Lease = &take
			return
		}
	}
	p.transactions[partition] = &transaction{version, advancing, ev}
}

func (p *process) lastTransaction(partition string) *transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transactions[partition]
}

// kill kills a process: it sends nothing more, and what it has sent may be carried out.
func (w *World) kill(p *process) {
	if p.isDead() {
		return
	}
	w.tracef("%s dies", p.name)
	close(p.dead)
	w.clock.died = time.Now().UnixMilli()
	w.clock.recheck()
	w.sched.withdrawAll(p, func(o *operation) bool {
		kept := o.done != nil && strings.Contains(o.key, " commit ") && w.faults.hit(w.faults.keep)
		if kept {
			o.done = nil
		}
		return kept
	})
	w.disk.cutPower(p)
	p.end()
	for i, q := range w.processes {
		if q == p {
			w.processes = append(w.processes[:i:i], w.processes[i+1:]...)
			break
		}
	}
	back := time.Duration(w.rand.IntN(90_000)) * time.Millisecond
	if p.surplus && len(w.processes) > 0 {
		return
	}
	w.after(back, "start", func() {
		w.processes = append(w.processes, newProcess(w))
	})
}

// end lets the goroutines of a process end.
func (p *process) end() {
	p.stop()
	go func() {
		ctx, cancel := context.WithCancel(always)
		cancel()
		p.engine.Close(ctx)
	}()
}

// crashOne kills or retires a process that the seed chooses.
func (w *World) crashOne() {
	if len(w.processes) == 0 {
		return
	}
	p := w.processes[w.rand.IntN(len(w.processes))]
	if w.topology != functions && w.number("plan of "+p.name)%3 == 0 {
		w.retire(p)
	} else {
		w.kill(p)
	}
}

// graceMax is how long the calls in flight may go on when their process retires.
const graceMax = 4 * time.Second

// retire ends a process on purpose: it releases the calls that it cuts. Until it is gone it serves
// requests, and may die.
func (w *World) retire(p *process) {
	if p.retiring {
		return
	}
	p.retiring = true
	w.kinds["process that ended by plan"]++
	w.tracef("%s is to end", p.name)
	grace := time.Duration(w.number("grace of "+p.name) % uint64(graceMax))
	p.spawn(func() {
		ctx, cancel := context.WithTimeout(p.life, grace)
		defer cancel()
		p.engine.Drain(ctx)
		w.sched.wait(p.life, &operation{process: p, key: p.name + " has ended",
			apply: func() bool { w.kill(p); return true }}, nil)
	})
}

// freeze stops a process that the seed chooses for a while. Functions freeze between invocations,
// other processes sometimes. Its timers run on; what they trigger waits.
func (w *World) freeze() {
	if len(w.processes) == 0 {
		return
	}
	p := w.processes[w.rand.IntN(len(w.processes))]
	d := freezes[w.rand.IntN(len(freezes))]
	p.frozen = time.Now().Add(d)
	w.tracef("%s is frozen for %v", p.name, d)
}

// starter starts executions for tasks.
type starter struct{ p *process }

func (s starter) StartChild(
	ctx context.Context, caller subflowtask.Caller, c flow.Child,
) (subflowtask.Started, error) {
	if err := s.p.w.authorize(caller, &c); err != nil {
		return subflowtask.Started{}, err
	}
	s.p.w.referee.starting(&c)
	name, err := s.p.service.StartChild(ctx, c)
	return subflowtask.Started{FlowName: c.FlowName, ExecutionName: name}, err
}

// queueClient is one process's access to the queue.
type queueClient struct{ p *process }

// Send implements queue.Sender.
func (h queueClient) Send(ctx context.Context, messages ...queue.Hint) error {
	w := h.p.w
	var err error
	o := &operation{process: h.p, key: fmt.Sprintf("%s send %s in %v", h.p.name,
		messages[0].Partition, messages[0].Delay)}
	o.apply = func() bool {
		f := w.faults
		lost, refused := w.faulty(f.hintLost), w.rejects()
		if refused {
			lost, err = true, errThrottled
		} else if lost && w.rand.IntN(2) == 0 {
			err = errLost
		}
		w.tracef("%s: lost %v, %s", o.key, lost, outcome(err))
		for _, m := range messages {
			w.judgeUnstored(h.p, m.Partition, "sends a hint")
			if lost {
				continue
			}
			w.hint(h.p, m.Partition, m.Delay)
			if w.faulty(f.hintTwice) {
				w.hint(h.p, m.Partition, m.Delay+pauses[w.rand.IntN(len(pauses))])
			}
		}
		return true
	}
	if werr := w.sched.wait(ctx, o, nil); werr != nil {
		return werr
	}
	return err
}

// hint delivers a hint.
func (w *World) hint(from *process, partition string, delay time.Duration) {
	if w.faulty(w.faults.hintLate) {
		delay += pauses[w.rand.IntN(len(pauses))]
	}
	came := w.hintTracker.sent(partition, delay)
	w.after(delay, "deliver "+partition, func() {
		came()
		if d := w.queueDelay(); d > 0 {
			w.hint(from, partition, d)
			return
		}
		if w.topology == embedded && from.isDead() || len(w.processes) == 0 {
			return // a queue in memory dies with its process
		}
		if delay <= stepsTake {
			w.hintTracker.noteArrival(partition)
		}
		to := w.processes[w.rand.IntN(len(w.processes))]
		if w.faulty(w.faults.hintStray) {
			partition = w.stray(partition)
		}
		w.tracef("%s gets a hint %s", to.name, partition)
		over := w.invoked(to, partition)
		to.spawn(func() { to.handle(partition, over) })
	})
}

// stray returns what a hint names that was corrupted on its way.
func (w *World) stray(partition string) string {
	if n := len(w.partitions); n > 0 && w.rand.IntN(2) == 0 {
		return w.partitions[w.rand.IntN(n)]
	}
	return partition[:w.rand.IntN(len(partition)+1)]
}

// invocationMax is how long an invocation of a function may take.
const invocationMax = 300 * time.Second

// handle handles a hint.
func (p *process) handle(partition string, over func()) {
	var err error
	if p.w.topology == functions {
		ctx, cancel := context.WithTimeout(p.life, invocationMax)
		err = p.engine.RunUntilIdle(ctx, partition)
		cancel()
	} else {
		err = p.engine.HandleHint(p.life, partition)
	}
	if p.w.topology == functions {
		p.w.sched.wait(p.life, &operation{process: p, key: p.name + " has worked on " + partition,
			apply: func() bool { over(); return true }}, nil)
	}
	if err != nil && !p.isDead() {
		again := &operation{key: "again " + partition, apply: func() bool {
			p.w.hint(p, partition, 5*time.Second)
			return true
		}}
		p.w.sched.post(again)
	}
}

// after runs do some time later, in the scheduler's goroutine.
func (w *World) after(d time.Duration, what string, do func()) {
	o := &operation{key: what, apply: func() bool { do(); return true }}
	if d <= 0 {
		w.sched.post(o)
		return
	}
	time.AfterFunc(d, func() { w.sched.post(o) })
}
