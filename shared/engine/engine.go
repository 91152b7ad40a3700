// Package engine keeps executions going: it loads an execution, steps it with the messages that
// have arrived, commits, and then applies the effects: task calls, outbox entries, hints
// (execution.md section 1). Everything that happens to one execution in this process goes through
// its mailbox, whose loop runs one transaction at a time. Between processes, the conditional write
// of the state row decides.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/queue"
	"millrace/shared/share"
	"millrace/shared/store"
	"millrace/shared/task"
)

// Options of an Engine.
type Options struct {
	Store *store.Store
	Queue queue.Sender
	Tasks task.Runner
	// Compile compiles a definition from the store, which was checked before it was stored.
	Compile func(definition, mode string) (*flow.Machine, error)
	Limits  flow.Limits
	Region  string
	// Rights returns what a flow may do now: the rights of the execution's role or, without a role,
	// of its author. Its tasks fail with the text of an error as their cause. nil: every flow may
	// do everything.
	Rights func(account, role, author string) (access.May, error)
	Now    func() time.Time
	Log    *slog.Logger

	// LogEnds logs a line for each execution that ends without success. In a cloud this line is the
	// only trace outside the engine; users build their alarms on it.
	LogEnds bool

	// Exclusive says that no other process works on this store. What a mailbox has loaded is then
	// what the store holds, and the leases of another owner belong to a dead process.
	Exclusive bool
	// LeaseMax is the longest lease. A live process renews the lease of a call that runs longer. 0:
	// 10 minutes. Engines of one store may use different values, at the same time or in turn: only
	// the lease that was written counts.
	LeaseMax time.Duration
	// AcceptOnly makes the engine an acceptor: it advances executions only in RunUntilIdle. Starts,
	// reports, stops and sweeps commit their message and leave the rest to a hint. Functions need
	// this, because nothing may go on in them after their response.
	AcceptOnly bool
	// CallTimeMax bounds a call; a longer call is canceled and fails with FnF.TaskTimeout. Leases
	// are then as long as this, and are never renewed. 0: calls have no bound.
	CallTimeMax time.Duration
	// SyncTimeMax bounds an Express execution whose caller waits for its end. 0: the limit of
	// Express executions.
	SyncTimeMax time.Duration
	// StoreExpires says that the store itself removes expired rows, so ended executions need no
	// wake time.
	StoreExpires bool
	// CallsMax is how many calls of one execution may be in flight. 0: 128.
	CallsMax int
	// TransactionWorkMax is how much work a step does before the transaction commits and new
	// messages are taken, in evaluation steps of expressions. 0: 100,000, which take some 10 ms.
	TransactionWorkMax int
	// BlockSize is how many results of a Map's iterations share a row. 0: 256. Bodies that were
	// written with another number cannot be read: only the simulation sets it.
	BlockSize int
	// TransactionEventsMax is after how many history events a transaction commits and new messages
	// are taken. 0: 200.
	TransactionEventsMax int
	// Retention is how long an ended execution is kept. 0: 90 days.
	Retention time.Duration
	// Shares divide the limited resources of this process between accounts.
	Shares Shares
	// CachedMax is how many idle executions an exclusive engine keeps decoded. 0: 4096.
	CachedMax int
	// CachedBytesMax is about how many bytes of inputs, outputs and other values these idle
	// executions may hold together, because executions may be large. 0: 64 MiB.
	CachedBytesMax int
	// OnTransaction is called before the step of each transaction with the version of its row
	// (0: none, it claims the name), whether this process advances the execution or only
	// accepts messages, and the input of the step, which the callback must not change. It is called
	// from many goroutines. With a pool of calls it is called once more within the transaction,
	// without messages, when the number of calls to lease is known. nil: not called.
	OnTransaction func(partition string, version int64, advancing bool, ev interp.StepInput)
	// OnExpressStep is called with the events of each step of an Express execution, which are not
	// stored anywhere. It must change nothing. It is called from many goroutines. nil: not called.
	OnExpressStep func(x *store.Execution, m *flow.Machine, events []flow.HistoryEvent)
}

// Engine runs executions. It is safe for many goroutines.
type Engine struct {
	Options
	owner       uint64        // this process, for leases
	started     int64         // ms since 1970
	quarantine  chan struct{} // full while a suspect runs its transaction
	mailboxes   *mailboxes
	callWorkers *callWorkers
	machines    *machines
	watchers    *watchers
	quota       *quota
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CallTimeMax > 0 {
		o.LeaseMax = o.CallTimeMax
	}
	if o.LeaseMax == 0 {
		o.LeaseMax = defaultLease
	}
	if o.Exclusive {
		o.LeaseMax = min(o.LeaseMax, ExclusiveLeaseMax)
	}
	if o.CallsMax == 0 {
		o.CallsMax = 128
	}
	if o.TransactionWorkMax == 0 {
		o.TransactionWorkMax = defaultTransactionWork
	}
	if o.TransactionEventsMax == 0 {
		o.TransactionEventsMax = defaultTransactionEvents
	}
	if o.Retention == 0 {
		o.Retention = 90 * 24 * time.Hour
	}
	if o.CachedMax == 0 {
		o.CachedMax = 4096
	}
	if o.CachedBytesMax == 0 {
		o.CachedBytesMax = 64 << 20
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Engine{
		Options:    o,
		owner:      o.Store.Random("owner"),
		ctx:        ctx,
		cancel:     cancel,
		closed:     make(chan struct{}),
		quarantine: make(chan struct{}, 1),
	}
	r.started = r.nowMillis()
	r.callCtx, r.cancelCalls = context.WithCancel(ctx)
	r.mailboxes = newMailboxes(o.CachedMax, o.CachedBytesMax)
	r.callWorkers = newCallWorkers(ctx)
	r.machines = newMachines(r)
	r.watchers = newWatchers()
	r.quota = newQuota()
	r.line = share.NewFairQueue(share.FairQueueOptions{
		Pool:       o.Shares.Calls,
		WaitingMax: o.Shares.lineCapacity(),
		Wake:       r.wakeWithheld,
	})
	if !r.Exclusive {
		r.quota.countingDone(true) // other processes start executions too: the count is not used
	}
	return r
}

func (r *Engine) nowMillis() int64 { return r.Now().UnixMilli() }

// StopAccepting makes every Await return now. From then on the engine starts nothing new.
func (r *Engine) StopAccepting() {
	r.closeMu.Lock()
	defer r.closeMu.Unlock()
	r.closeOnce.Do(func() { close(r.closed) })
}

// addGoroutine counts in a goroutine of the engine, which must call goroutines.Done at its end. It
// returns false if the engine is closing.
func (r *Engine) addGoroutine() bool {
	r.closeMu.RLock()
	defer r.closeMu.RUnlock()
	if r.closing() {
		return false
	}
	r.goroutines.Add(1)
	return true
}

// Close stops the engine. Nothing new is started; calls in flight may run until ctx is done, then
// they are canceled. The process that uses the store next calls a canceled attempt again.
func (r *Engine) Close(ctx context.Context) {
	r.waitIdle(ctx)
	r.cancel()
	r.goroutines.Wait()
}

// callReturnTimeout is how long the commits that return canceled calls may take.
const callReturnTimeout = 5 * time.Second

// Drain prepares the engine for Close when a process ends by plan. Nothing new is started; calls in
// flight may run until ctx is done. Those still in flight are then canceled and returned: the
// process that uses the store next calls them again, and they do not count as calls that were lost
// with their owner.
func (r *Engine) Drain(ctx context.Context) {
	if r.waitIdle(ctx) {
		return
	}
	r.cancelCalls()
	within, cancel := context.WithTimeout(context.Background(), callReturnTimeout)
	defer cancel()
	r.waitIdle(within)
}

// draining reports whether canceled calls must be returned.
func (r *Engine) draining() bool { return r.callCtx.Err() != nil && r.ctx.Err() == nil }

// waitIdle stops accepting and waits until no goroutine of the engine runs or ctx is done. It
// reports whether none runs.
func (r *Engine) waitIdle(ctx context.Context) bool {
	r.StopAccepting()
	done := make(chan struct{})
	go func() {
		r.goroutines.Wait()
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
func (r *Engine) closing() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}
