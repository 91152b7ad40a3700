package engine

import (
	"log/slog"
	"time"

	"millrace/shared/access"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/task"
)

// Options of an Engine.
type Options struct {
	Store *store.Store
	Queue queue.Sender
	Tasks task.Runner
	// Items reads the items of distributed Maps from objects, and writes their results to objects
	// (task/itemtask). nil: a Map with an ItemReader or a ResultWriter fails.
	Items task.Runner
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

	// Topology says which processes work on the store. The default is Servers.
	Topology Topology
	// LeaseMax is the longest lease. A live process renews the lease of a call that runs longer. 0:
	// 10 minutes. Engines of one store may use different values, at the same time or in turn: only
	// the lease that was written counts.
	LeaseMax time.Duration
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
	// RedriveWindow is how long after its end an execution may be redriven. 0: 14 days.
	RedriveWindow time.Duration
	// CatchUp is how late the execution of a schedule may be started. Planned times that are
	// longer past are skipped. 0: 1 hour.
	CatchUp time.Duration
	// Shares divide the limited resources of this process between accounts.
	Shares Shares
	// CachedMax is how many idle executions an engine that owns its store keeps decoded. 0: 4096.
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

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
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
	if o.RedriveWindow == 0 {
		o.RedriveWindow = 14 * 24 * time.Hour
	}
	if o.CatchUp == 0 {
		o.CatchUp = time.Hour
	}
	if o.CachedMax == 0 {
		o.CachedMax = 4096
	}
	if o.CachedBytesMax == 0 {
		o.CachedBytesMax = 64 << 20
	}
}
