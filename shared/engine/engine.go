// Package engine keeps executions going: it folds news into them, commits, calls tasks and relays what follows
// from a commit (execution.md section 1). Everything that happens to one execution in this process goes through
// its cell, where one committer at a time takes all news that have arrived; the conditional write of the state row
// decides between processes.
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
	Store   *store.Store
	Queue   queue.Sender
	Tasks   task.Runner
	Compile func(definition, mode string) (*flow.Machine, error) // definitions in the store have been checked
	Limits  flow.Limits
	Region  string
	// Rights returns what a flow may do now, by the role or else the author of its execution. The
	// text of an error is the cause that its tasks fail with. nil: every flow may do everything.
	Rights func(account, role, author string) (access.May, error)
	Now    func() time.Time
	Log    *slog.Logger

	// LogEnds leaves a line about each execution that ends without success. In a cloud it is the
	// only trace outside the engine, and what alarms of one's own are made of.
	LogEnds bool

	// Exclusive says that no other process works on this store: what a cell knows is what the store holds, and
	// leases of another owner are those of a dead process.
	Exclusive bool
	// LeaseMax bounds a lease. A call that goes on longer in a live process renews it. 0: 10 minutes. Runners of one
	// store may have different ones, at a time or one after the other: what counts is the lease that was written.
	LeaseMax time.Duration
	// AcceptOnly makes the runner advance executions within Work alone. Everywhere else (starts, reports, stops, sweeps) it
	// commits what it is told and leaves the rest to a hint: right for functions, in which nothing may go on after
	// their answer.
	AcceptOnly bool
	// CallTimeMax bounds a call; a longer one is cut and fails with FnF.TaskTimeout. Leases are as long then, and never
	// renewed. 0: calls take as long as they like.
	CallTimeMax time.Duration
	// SyncTimeMax bounds an Express execution that is waited for. 0: the limit of Express executions.
	SyncTimeMax time.Duration
	// StoreExpires says that the store itself removes expired rows: ended executions need no wake time.
	StoreExpires bool
	// CallsMax is how many calls of one execution are in flight at once. 0: 128.
	CallsMax int
	// TransactionWorkMax is how much work a fold does before it commits and looks for news, in steps of
	// expressions. 0: 100,000, which take some 10 ms.
	TransactionWorkMax int
	// BlockSize is how many results of a Map's iterations share a row. 0: 256. Bodies that were written
	// with another number cannot be read: only the simulation sets it.
	BlockSize int
	// TransactionEventsMax is after how many events a fold commits and looks for news. 0: 200.
	TransactionEventsMax int
	// Retention is how long an ended execution is kept. 0: 90 days.
	Retention time.Duration
	// Shares divide what this process has only so much of between accounts.
	Shares Shares
	// CachedMax is how many idle executions an exclusive runner keeps decoded. 0: 4096.
	CachedMax int
	// CachedBytesMax is about how many bytes of inputs, outputs and the like those may take together: executions may be large.
	// 0: 64 MiB.
	CachedBytesMax int
	// OnTransaction is told, before each fold, which version of the row it begins with (0: none, it claims the name), whether
	// it runs the execution on or takes in news alone, and what is folded, which it must not change. It is called from
	// many goroutines. Where calls are taken from a share, it is told once more within the fold, without
	// news, when it is known how many. nil: nobody is told.
	OnTransaction func(partition string, version int64, advancing bool, ev interp.StepInput)
	// OnExpressStep is told the events of each step of an Express execution, which nothing else keeps. It must
	// change nothing, and is called from many goroutines. nil: nobody is told.
	OnExpressStep func(x *store.Execution, m *flow.Machine, events []flow.HistoryEvent)
}

// Engine runs executions. It is safe for many goroutines.
type Engine struct {
	Options
	owner       uint64        // this process, for leases
	started     int64         // ms since 1970
	quarantine  chan struct{} // full while an execution that may bring the process down is folded
	mailboxes   *mailboxes
	callWorkers *callWorkers
	machines    *machines
	watchers    *watchers
	quota       *quota
	line        *share.FairQueue // bounds the calls that are taken; nil: there is no pool of calls

	ctx         context.Context // ends when the runner closes
	cancel      context.CancelFunc
	callCtx     context.Context // of calls; ends with life, or when they are to be given back
	cancelCalls context.CancelFunc
	closeMu     sync.RWMutex   // held while a goroutine begins, and to close
	goroutines  sync.WaitGroup // goroutines of the runner
	closed      chan struct{}
	closeOnce   sync.Once
}

// New returns an Engine. It does nothing by itself: hints reach it by Look, time by Sweep.
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
	life, kill := context.WithCancel(context.Background())
	r := &Engine{Options: o, owner: o.Store.Random("owner"), ctx: life, cancel: kill, closed: make(chan struct{}),
		quarantine: make(chan struct{}, 1)}
	r.started = r.nowMillis()
	r.callCtx, r.cancelCalls = context.WithCancel(life)
	r.mailboxes = newMailboxes(o.CachedMax, o.CachedBytesMax)
	r.callWorkers = newCallWorkers(life)
	r.machines = newMachines(r)
	r.watchers = newWatchers()
	r.quota = newQuota()
	r.line = share.NewFairQueue(share.FairQueueOptions{Pool: o.Shares.Calls, WaitingMax: o.Shares.lineCapacity(),
		Wake: r.wakeWithheld})
	if !r.Exclusive {
		r.quota.countingDone(true) // others start and end executions too: the count means nothing
	}
	return r
}

func (r *Engine) nowMillis() int64 { return r.Now().UnixMilli() }

// StopAccepting makes those who wait for an execution's end answer now; nothing new is begun any more.
func (r *Engine) StopAccepting() {
	r.closeMu.Lock()
	defer r.closeMu.Unlock()
	r.closeOnce.Do(func() { close(r.closed) })
}

// addGoroutine announces a goroutine of the runner, which calls work.Done at its end. false: the runner is closing.
func (r *Engine) addGoroutine() bool {
	r.closeMu.RLock()
	defer r.closeMu.RUnlock()
	if r.closing() {
		return false
	}
	r.goroutines.Add(1)
	return true
}

// Close stops the runner: nothing new is begun, calls in flight get until ctx is done, then they are cut. What
// they would have brought is called again by whoever runs the store next.
func (r *Engine) Close(ctx context.Context) {
	r.waitIdle(ctx)
	r.cancel()
	r.goroutines.Wait()
}

// callReturnTimeout is how long calls that have been cut may take to be given back.
const callReturnTimeout = 5 * time.Second

// Drain makes the runner ready for Close, as one does that ends by plan: nothing new is begun, calls in flight get until ctx
// is done, and those that are cut then are given back. They are called again by whoever runs the store next, and do not count
// among those that were lost with their caller.
func (r *Engine) Drain(ctx context.Context) {
	if r.waitIdle(ctx) {
		return
	}
	r.cancelCalls()
	within, cancel := context.WithTimeout(context.Background(), callReturnTimeout)
	defer cancel()
	r.waitIdle(within)
}

// draining tells whether calls that are cut are to be given back.
func (r *Engine) draining() bool { return r.callCtx.Err() != nil && r.ctx.Err() == nil }

// waitIdle lets nothing new begin and waits until nothing goes on, or ctx is done; it tells whether nothing goes on.
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

// closing tells whether Close has been called.
func (r *Engine) closing() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}
