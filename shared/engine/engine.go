// Package engine keeps executions going: it loads an execution, steps it with the messages that
// have arrived, commits, and then applies the effects: task calls, outbox entries, hints
// (docs/protocol.md). Everything that happens to one execution in this process goes through its
// mailbox, whose loop runs one transaction at a time. Between processes, the conditional write of
// the state row decides.
package engine

import (
	"context"
	"sync"
	"time"

	"millrace/shared/engine/dispatch"
	"millrace/shared/engine/express"
	"millrace/shared/engine/quota"
	"millrace/shared/engine/sweeper"
	"millrace/shared/share"
	"millrace/shared/store"
)

// Engine runs executions. It is safe for many goroutines.
type Engine struct {
	Options
	owner       uint64 // this process, for leases
	leases      leasePolicy
	endless     *workSession  // nil in Functions
	started     int64         // ms since 1970
	quarantine  chan struct{} // full while a suspect runs its transaction
	mailboxes   *mailboxes
	callWorkers *dispatch.Workers
	dispatcher  *dispatch.Dispatcher
	express     *express.Runner
	machines    *machines
	ends        *watchers // of the ends of executions
	changes     *watchers // of all that happens to them
	quota       *quota.Quota
	sweeper     sweeper.Sweeper
	rowHandlers map[store.Kind]sweeper.Handler
	schedules   scheduleCounters
	activities  *activities
	line        *share.FairQueue // bounds the leased calls; nil: there is no pool of calls

	ctx         context.Context // ends when the engine closes
	cancel      context.CancelFunc
	callCtx     context.Context // of calls; ends with ctx, or when Drain cancels the calls
	cancelCalls context.CancelFunc
	closeMu     sync.RWMutex   // held while a goroutine is added, and to close
	goroutines  sync.WaitGroup // goroutines of the engine
	closed      chan struct{}
	closeOnce   sync.Once
}

// New returns an Engine. It does nothing by itself: HandleHint brings it hints, and Sweep must be
// called from time to time.
func New(o Options) *Engine {
	o.setDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		Options:    o,
		owner:      o.Store.Random("owner"),
		ctx:        ctx,
		cancel:     cancel,
		closed:     make(chan struct{}),
		quarantine: make(chan struct{}, 1),
	}
	e.started = e.nowMillis()
	e.callCtx, e.cancelCalls = context.WithCancel(ctx)
	e.leases = newLeasePolicy(&o)
	if !e.onlyAccepts() {
		e.endless = newEndlessSession(o.CallTimeMax)
	}
	e.mailboxes = newMailboxes(e.ownsStore(), o.CachedMax, o.CachedBytesMax)
	e.callWorkers = dispatch.NewWorkers(ctx)
	e.machines = newMachines(e)
	e.ends, e.changes = newWatchers(), newWatchers()
	e.activities = newActivities()
	e.dispatcher = &dispatch.Dispatcher{
		Tasks: o.Tasks, Items: o.Items, Rights: o.Rights, Calls: o.Shares.Calls, Now: o.Now, Log: o.Log}
	executionsMax := 0 // other processes start executions too: a count would not be right
	if e.ownsStore() {
		executionsMax = o.Limits.Executions
	}
	e.quota = quota.New(int64(executionsMax))
	e.sweeper = sweeper.Sweeper{Driver: o.Store.Driver(), Shards: e.wakeShards, Log: o.Log,
		Begin: e.beginGoroutine}
	e.rowHandlers = newRowHandlers(e)
	e.line = share.NewFairQueue(share.FairQueueOptions{
		Pool:       o.Shares.Calls,
		WaitingMax: o.Shares.lineCapacity(),
		Wake:       e.wakeWithheld,
	})
	e.express = &express.Runner{
		Dispatcher: e.dispatcher, Limits: &e.Limits, CallsMax: o.CallsMax,
		WorkMax: o.TransactionWorkMax, Line: e.line, Processors: o.Shares.Processors,
		Owner: e.owner, Closed: ctx, Now: o.Now, OnStep: o.OnExpressStep,
	}
	return e
}

func (e *Engine) nowMillis() int64 { return e.Now().UnixMilli() }

// StopAccepting makes every Await return now. From then on the engine starts nothing new.
func (e *Engine) StopAccepting() {
	e.closeMu.Lock()
	defer e.closeMu.Unlock()
	e.closeOnce.Do(func() { close(e.closed) })
}

// addGoroutine counts in a goroutine of the engine, which must call goroutines.Done at its end. It
// returns false if the engine is closing.
func (e *Engine) addGoroutine() bool {
	e.closeMu.RLock()
	defer e.closeMu.RUnlock()
	if e.closing() {
		return false
	}
	e.goroutines.Add(1)
	return true
}

// beginGoroutine is addGoroutine with the function that counts the goroutine out.
func (e *Engine) beginGoroutine() (end func(), ok bool) {
	return e.goroutines.Done, e.addGoroutine()
}

// Close stops the engine. Nothing new is started; calls in flight may run until ctx is done, then
// they are canceled. The process that uses the store next calls a canceled attempt again.
func (e *Engine) Close(ctx context.Context) {
	e.waitIdle(ctx)
	e.cancel()
	e.goroutines.Wait()
}

// callReturnTimeout is how long the commits that return canceled calls may take.
const callReturnTimeout = 5 * time.Second

// Drain prepares the engine for Close when a process ends by plan. Nothing new is started; calls in
// flight may run until ctx is done. Those still in flight are then canceled and returned: the
// process that uses the store next calls them again, and they do not count as calls that were lost
// with their owner.
func (e *Engine) Drain(ctx context.Context) {
	if e.waitIdle(ctx) {
		return
	}
	e.cancelCalls()
	within, cancel := context.WithTimeout(context.Background(), callReturnTimeout)
	defer cancel()
	e.waitIdle(within)
}

// draining reports whether canceled calls must be returned.
func (e *Engine) draining() bool { return e.callCtx.Err() != nil && e.ctx.Err() == nil }

// waitIdle stops accepting and waits until no goroutine of the engine runs or ctx is done. It
// reports whether none runs.
func (e *Engine) waitIdle(ctx context.Context) bool {
	e.StopAccepting()
	done := make(chan struct{})
	go func() {
		e.goroutines.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// closing reports whether StopAccepting has been called, by itself or by Drain or Close.
func (e *Engine) closing() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}
