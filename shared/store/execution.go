package store

import (
	"cmp"
	"context"
	"errors"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Execution is a state row (docs/protocol.md#the-state-row). The claim sets the first group of
// fields for good; commits change the second.
type Execution struct {
	Account    string
	FlowID     string
	Flow       string
	Name       string
	Region     string
	RoleArn    string
	Run        uint64   // incarnation of the name
	Seed       [16]byte // secret: must not be shown
	ClaimToken uint64   // random, set by the creator
	Origin     string   // asked for the start: the same origin means the same start; "" for none
	Callback   string   // CallbackFnFTaskToken
	Hash       string   // of the definition
	Qualifier  string
	MapRun     string // name of the MapRun whose child it is; "" for none
	Parent     string // name of the execution that has the MapRun
	MapNode    int    // node number of the Map in the definition, plus 1; 0: it is no child
	Author     string // public id of the key with whose rights tasks run if RoleArn is ""
	CallbackBy string // key in whose name the end is reported to Callback; "": the engine's
	// StartedBy is the public id of the key whose request started it; "" on an open server, and if
	// something else has: a flow, a schedule, an event.
	StartedBy string

	Dialect     flow.Dialect
	Express     bool
	Started     int64       // ms since 1970
	Deadline    int64       // of this life: the only one of these fields that a redrive changes
	Input       []byte      // as sent; nil if InputRef is set
	InputRef    *flow.Value // the input as sent, if it has rows of its own
	Environment []flow.Variable
	ListShard   int // of the flow's list; less than its ListShards

	Version   int64
	Expires   int64 // ms since 1970; from then on the execution is absent
	Status    flow.Status
	Stopped   int64
	Output    *flow.Value
	Error     *flow.Error
	LastEvent int64
	LastTime  int64
	TailFirst int64 // id of the first event of the tail
	Tail      []byte
	Body      []byte
	Wake      int64
	Deleted   int64 // ms since 1970; 0: it is not deleted
	Purged    bool  // it is deleted, and so are the rows of its values and its history

	// Redrive counts the redrives. Redriven is the time of the last one, ms since 1970, and
	// RedriveMark is random, set by its sender.
	Redrive     int
	Redriven    int64
	RedriveMark uint64

	// SweepAttempts counts how often the sweeper found the execution due, or an embedded engine
	// found it left behind by an earlier process, since the last completed transaction.
	SweepAttempts int
	// EngineAttempts counts the attempts to advance it since SweepAttempts has been high.
	EngineAttempts int

	firstDeadline int64 // as the claim has fixed it; 0: it is Deadline

	mapRuns bool        // it has or had MapRuns
	bodyRef *flow.Value // of a body with rows of its own
	fixed   []byte      // encoded first group; nil until first needed
	address *address    // nil until first needed

	// Source says what has started it: "key:" and the public id of a key, "schedule:" and its name,
	// "event:" and where it came from, "execution:", a flow and an execution, or "fork:" and an
	// execution of the flow; "": not known. It and SearchKeys are set for good by the claim, and
	// stand in the list alone.
	Source     string
	SearchKeys []flow.SearchKey
	Failure    Failure

	// unknown are fields of the row that only a newer program knows, unknownListed those of its
	// entry in the list.
	unknown, unknownListed []byte
}

// Partition returns the execution's partition.
func (x *Execution) Partition() string {
	if x.address != nil {
		return x.address.partition
	}
	return Partition(x.FlowID, x.Name)
}

// TimeLimit returns how long each life of the execution may take, in ms.
func (x *Execution) TimeLimit() int64 {
	return cmp.Or(x.firstDeadline, x.Deadline) - x.Started
}

// Change is what a commit writes into an execution.
type Change struct {
	Events []flow.HistoryEvent

	// Unplaced visits the values of the body that need rows of their own; nil: none.
	Unplaced func(f func(v *flow.Value))
	// Body encodes the body, after the values of Unplaced have their references; nil: it stays.
	Body func(dst []byte) []byte

	Status         flow.Status
	Stopped        int64
	Output         *flow.Value
	Error          *flow.Error
	LastEvent      int64
	LastTime       int64
	Wake           int64
	Expires        int64 // 0: it stays
	SweepAttempts  int
	EngineAttempts int

	Redrive *Redrive // another life has begun; nil: none
	Failure *Failure // of a commit that ends it; nil: it stays

	MapRuns bool // the body has MapRuns, open or ended
	BodyMax int  // a longer body is rejected with ErrBodyTooLarge; 0: no bound

	// OnEncoded is called after the rows are encoded and before the driver writes them; nil:
	// nothing is called. A commit that fails earlier does not call it.
	OnEncoded func()
}

// Redrive is what the commit that begins another life of an execution changes besides.
type Redrive struct {
	Count    int    // of redrives, this one included
	At       int64  // ms since 1970
	Mark     uint64 // of its sender
	Deadline int64  // of the life, ms since 1970
}

// ErrBodyTooLarge is returned if the open states of an execution need more bytes than
// Change.BodyMax. Nothing was written.
var ErrBodyTooLarge = errors.New("store: the open states of the execution are too large")

const (
	// bodyHeadroom is the growth of a body, in bytes, that one commit seldom exceeds.
	bodyHeadroom = 512
	// eventOverhead is the encoded size of an event, in bytes, without its values.
	eventOverhead = 32
)

// Create claims the execution's name: it creates the row if it is absent or expired. It returns
// ErrConflict if the name is taken, and a *share.LimitError if the name is free but the account
// uses more of the disk than is free.
func (s *Store) Create(ctx context.Context, x *Execution, c *Change) error {
	if err := s.diskUse.admit(x.Account); err != nil {
		return s.conflictIfTaken(ctx, x, err)
	}
	return s.write(ctx, x, c, driver.Condition{Absent: true, Now: s.nowMillis()})
}

// conflictIfTaken returns ErrConflict if the execution's name is taken, and rejection otherwise. A
// taken name starts nothing, so the account's disk use does not matter.
func (s *Store) conflictIfTaken(ctx context.Context, x *Execution, rejection error) error {
	_, err := s.Load(ctx, x.Partition())
	switch {
	case err == nil, Deleted(err) != nil:
		return ErrConflict
	case errors.Is(err, ErrNotFound):
		return rejection
	}
	return err
}

// Commit writes the change as the next version. ErrConflict: another writer has committed. Any
// other error: the outcome is unknown. After an error the caller must load x again. On success x is
// what was written.
func (s *Store) Commit(ctx context.Context, x *Execution, c *Change) error {
	return s.write(ctx, x, c, driver.Condition{Version: x.Version, Fence: x.rowAddress().fence})
}

func (s *Store) write(ctx context.Context, x *Execution, c *Change, cond driver.Condition) error {
	w := writer{x: x, sizes: &s.sizes, version: x.Version + 1, token: s.random(x.Partition())}
	if cond.Absent && len(x.Input) > s.sizes.Inline {
		x.InputRef, x.Input = w.place(flow.TextValue(x.Input)), nil
	}
	if c.Redrive != nil {
		x.Expires = c.Expires // the rows of this commit must not expire before the new life
	}
	w.appendTail(s.tailBytes, c.Events)
	if c.Unplaced != nil {
		c.Unplaced(func(v *flow.Value) { w.place(v) })
	}
	if c.Body != nil {
		x.Body, x.bodyRef = c.Body(make([]byte, 0, len(x.Body)+bodyHeadroom)), nil
		if c.BodyMax > 0 && len(x.Body) > c.BodyMax {
			return ErrBodyTooLarge
		}
		if len(x.Body) > s.sizes.Body {
			x.bodyRef = w.place(flow.TextValue(x.Body))
		}
	}
	if cond.Absent {
		w.wakeClaimValues()
	}
	x.Version = w.version
	if c.Expires > 0 {
		x.Expires = c.Expires
	}
	x.Status, x.Stopped, x.Output, x.Error = c.Status, c.Stopped, c.Output, c.Error
	switch {
	case c.Failure != nil:
		x.Failure = *c.Failure
	case c.Redrive != nil || !c.Status.Final():
		x.Failure = Failure{} // of an earlier life
	}
	x.LastEvent, x.LastTime, x.Wake = c.LastEvent, c.LastTime, c.Wake
	x.SweepAttempts, x.EngineAttempts = c.SweepAttempts, c.EngineAttempts
	if r := c.Redrive; r != nil {
		x.firstDeadline = cmp.Or(x.firstDeadline, x.Deadline)
		x.Redrive, x.Redriven, x.RedriveMark, x.Deadline = r.Count, r.At, r.Mark, r.Deadline
	}
	x.mapRuns = x.mapRuns || c.MapRuns
	row := x.row()
	if c.OnEncoded != nil {
		c.OnEncoded()
	}
	s.learnWakeShards(ctx)
	err := s.driver.Commit(ctx, w.puts, row, cond)
	if s.diskUse != nil && err == nil {
		s.diskUse.add(x.Account, w.bytes(&row, cond.Absent))
	}
	return err
}

// bytes estimates by how many bytes the commit makes the store larger. A state row replaces its
// earlier version, so only a created one counts.
func (w *writer) bytes(state *driver.Row, created bool) (n int64) {
	for i := range w.puts {
		n += sizeOfRow(&w.puts[i])
	}
	if created {
		n += sizeOfRow(state)
	}
	return n
}

// writer collects the rows of one commit.
type writer struct {
	x       *Execution
	sizes   *Sizes
	version int64
	token   uint64
	count   uint64
	puts    []driver.Row
}

// place writes a value into rows of its own.
func (w *writer) place(v *flow.Value) *flow.Value {
	token := w.token + w.count
	w.count++
	text := v.Text()
	for part := 0; part == 0 || len(text) > 0; part++ {
		n := min(len(text), w.sizes.Part)
		w.puts = append(w.puts, driver.Row{
			Key:  rowKey(w.x.Partition(), valueSort(w.x.Run, w.version, token, part)),
			Data: text[:n], Expires: w.x.Expires,
		})
		text = text[n:]
	}
	v.SetRef(flow.Ref{Kind: flow.RefRow, Version: w.version, Token: token})
	return v
}

// wakeClaimValues sets the wake times of the values of a claim. If the claim loses or is never
// made, no state row leads to its values, and a store that does not remove expired rows itself
// would keep them for ever.
func (w *writer) wakeClaimValues() {
	for i := range w.puts {
		w.puts[i].Wake = w.puts[i].Expires
	}
}

// appendTail adds events to the history's tail. Only the committed row decides whether the old tail
// moves to a row of its own, so two writers of one history row write the same bytes
// (docs/protocol.md#commit).
func (w *writer) appendTail(full int, events []flow.HistoryEvent) {
	if len(events) == 0 {
		return
	}
	x := w.x
	if len(x.Tail) >= full {
		key := rowKey(x.Partition(), eventSort(x.Run, x.TailFirst))
		w.puts = append(w.puts, driver.Row{Key: key, Data: x.Tail, Expires: x.Expires})
		x.Tail = nil
	}
	size := eventOverhead * len(events)
	for i := range events {
		events[i].Values(func(_ byte, v *flow.Value) {
			switch {
			case v.Ref().Kind != flow.RefNone:
			case v.Len() > w.sizes.Inline:
				w.place(v)
			default:
				size += v.Len()
			}
		})
	}
	if len(x.Tail) == 0 {
		x.TailFirst = events[0].ID
	}
	// Other goroutines may read the old tail: the new one must not share its memory.
	x.Tail = flow.AppendEvents(append(make([]byte, 0, len(x.Tail)+size), x.Tail...), x.Started,
		events)
}

// Load reads an execution and its body, strongly consistent. It returns ErrNotFound if there is
// none or it has expired, a *DeletedError if it has been deleted.
func (s *Store) Load(ctx context.Context, partition string) (*Execution, error) {
	row, err := s.driver.Get(ctx, rowKey(partition, sortState))
	if err != nil {
		return nil, err
	}
	return s.execution(ctx, row)
}

// execution decodes a state row and loads the body. It returns ErrNotFound if the row has expired,
// a *DeletedError if the execution has been deleted.
func (s *Store) execution(ctx context.Context, row driver.Row) (*Execution, error) {
	if row.Expires > 0 && row.Expires <= s.nowMillis() {
		return nil, ErrNotFound
	}
	x, err := decodeExecution(row)
	if err != nil {
		return nil, err
	}
	if x.Deleted > 0 {
		return nil, &DeletedError{x}
	}
	if x.bodyRef != nil {
		if err := s.LoadValue(ctx, x, x.bodyRef); err != nil {
			return nil, err
		}
		x.Body = x.bodyRef.Text()
	}
	return x, nil
}

// InputText returns the execution's input as it was sent.
func (s *Store) InputText(ctx context.Context, x *Execution) ([]byte, error) {
	if x.InputRef == nil {
		return x.Input, nil
	}
	if !x.InputRef.Loaded() {
		if err := s.LoadValue(ctx, x, x.InputRef); err != nil {
			return nil, err
		}
	}
	return x.InputRef.Text(), nil
}
