package store

import (
	"context"
	"errors"

	"millrace/shared/flow"
)

// Execution is a state row (execution.md 1.2). The first part is fixed by the claim, the second changed by commits.
type Execution struct {
	Account     string
	FlowID      string
	Flow        string
	Name        string
	Region      string
	RoleArn     string
	Run         uint64   // this incarnation of the name
	Seed        [16]byte // secret: never shown
	ClaimToken  uint64   // the creator's own token
	Origin      string   // what asked for the start: the same origin is the same start; "" for none
	Callback    string   // CallbackFnFTaskToken
	Hash        string   // of the definition
	Qualifier   string
	MapRun      string
	Parent      string
	Author      string // whose rights its tasks have, where it has no role: a key's public id; "" for none
	CallbackBy  string // the key in whose name its end is reported to Callback; "" when that is the engine's own doing
	Language    flow.Language
	Express     bool
	Started     int64 // ms since 1970
	Deadline    int64
	Input       []byte      // as sent; nil when it stands in rows of its own
	InputRef    *flow.Value // where, then; its text is the input as sent
	Environment []Variable

	Version        int64
	Expires        int64 // ms since 1970; from then on the execution is forgotten
	Status         flow.Status
	Stopped        int64
	Output         *flow.Value
	Error          *flow.Error
	LastEvent      int64
	LastTime       int64
	TailFirst      int64 // id of the first event of the tail
	Tail           []byte
	Body           []byte
	Wake           int64
	SweepAttempts  int // times that the sweeper has sent a hint since the last commit
	RunnerAttempts int // times that a runner has begun after that
	Redrive        int

	bodyRef *flow.Value // of a body that stands in rows of its own
	fixed   []byte      // encoded first part, once known
	address *address    // once known
}

// Partition is the execution's partition.
func (x *Execution) Partition() string {
	if x.address != nil {
		return x.address.partition
	}
	return Partition(x.FlowID, x.Name)
}

// Change is what a commit makes of an execution.
type Change struct {
	Events   []flow.HistoryEvent
	Unplaced func(f func(v *flow.Value)) // values of the body that need rows of their own; nil for none
	Body     func(dst []byte) []byte     // encodes the body, after its values have got places; nil leaves it

	Status         flow.Status
	Stopped        int64
	Output         *flow.Value
	Error          *flow.Error
	LastEvent      int64
	LastTime       int64
	Wake           int64
	Expires        int64 // 0 leaves it
	SweepAttempts  int
	RunnerAttempts int

	BodyMax int // a longer body is refused with ErrBody; 0: no bound

	// OnEncoded is called once the rows are made, before the driver writes them; nil: nothing is. A
	// commit that fails before then does not call it.
	OnEncoded func()
}

// ErrBodyTooLarge says that the open states of an execution need more bytes than Change.BodyMax; nothing was written.
var ErrBodyTooLarge = errors.New("store: the open states of the execution are too large")

const (
	// bodyHeadroom is by how much a body seldom grows at a time.
	bodyHeadroom = 512
	// eventOverhead is what an event takes without the values that it holds.
	eventOverhead = 32
)

// Create claims the execution's name: create-if-absent (or expired). ErrConflict when the name is
// taken, a *share.Refusal when it is not and the account takes more of the disk than is free.
func (s *Store) Create(ctx context.Context, x *Execution, c *Change) error {
	if err := s.diskUse.admit(x.Account); err != nil {
		return s.conflictIfTaken(ctx, x, err)
	}
	return s.write(ctx, x, c, Condition{Absent: true, Now: s.nowMillis()})
}

// conflictIfTaken is ErrConflict when the execution's name is taken, and refused otherwise: nothing would
// begin, so nothing is refused.
func (s *Store) conflictIfTaken(ctx context.Context, x *Execution, rejection error) error {
	_, err := s.Load(ctx, x.Partition())
	switch {
	case err == nil:
		return ErrConflict
	case errors.Is(err, ErrNotFound):
		return rejection
	}
	return err
}

// Commit makes the change one version later. ErrConflict: somebody else has committed; another error: it may or
// may not have been applied. In both cases x must be loaded again. On success x is what was written.
func (s *Store) Commit(ctx context.Context, x *Execution, c *Change) error {
	return s.write(ctx, x, c, Condition{Version: x.Version, Fence: x.rowAddress().fence})
}

func (s *Store) write(ctx context.Context, x *Execution, c *Change, cond Condition) error {
	w := writer{x: x, sizes: &s.sizes, version: x.Version + 1, token: s.random(x.Partition())}
	if cond.Absent && len(x.Input) > s.sizes.Inline {
		x.InputRef, x.Input = w.place(flow.TextValue(x.Input)), nil
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
	x.LastEvent, x.LastTime, x.Wake, x.SweepAttempts, x.RunnerAttempts = c.LastEvent, c.LastTime, c.Wake, c.SweepAttempts, c.RunnerAttempts
	row := x.row()
	if c.OnEncoded != nil {
		c.OnEncoded()
	}
	err := s.driver.Commit(ctx, w.puts, row, cond)
	if s.diskUse != nil && err == nil {
		s.diskUse.add(x.Account, w.bytes(&row, cond.Absent))
	}
	return err
}

// bytes is about what the commit adds to the store: a state row takes the place of the one before.
func (w *writer) bytes(state *Row, created bool) (n int64) {
	for i := range w.puts {
		n += sizeOfRow(&w.puts[i])
	}
	if created {
		n += sizeOfRow(state)
	}
	return n
}

// writer gathers the rows of one commit.
type writer struct {
	x       *Execution
	sizes   *Sizes
	version int64
	token   uint64
	count   uint64
	puts    []Row
}

// place gives a value rows of its own.
func (w *writer) place(v *flow.Value) *flow.Value {
	token := w.token + w.count
	w.count++
	text := v.Text()
	for part := 0; part == 0 || len(text) > 0; part++ {
		n := min(len(text), w.sizes.Part)
		w.puts = append(w.puts, Row{Key: Key{w.x.Partition(), valueSort(w.x.Run, w.version, token, part)},
			Data: text[:n], Expires: w.x.Expires})
		text = text[n:]
	}
	v.SetRef(flow.Ref{Kind: flow.RefRow, Version: w.version, Token: token})
	return v
}

// wakeClaimValues gives the values of a claim wake times: when the claim is lost or never made, no state row leads to them, and a
// store that does not look after expired rows itself would keep them for ever.
func (w *writer) wakeClaimValues() {
	for i := range w.puts {
		w.puts[i].Wake = w.puts[i].Expires
	}
}

// appendTail adds events to the history's tail. Whether the old tail moves to a row of its own depends on the committed
// row alone, so that two writers of one history row write the same bytes (execution.md 1.3).
func (w *writer) appendTail(full int, events []flow.HistoryEvent) {
	if len(events) == 0 {
		return
	}
	x := w.x
	if len(x.Tail) >= full {
		w.puts = append(w.puts, Row{Key: Key{x.Partition(), eventSort(x.Run, x.TailFirst)}, Data: x.Tail, Expires: x.Expires})
		x.Tail = nil
	}
	room := eventOverhead * len(events)
	for i := range events {
		events[i].Values(func(_ byte, v *flow.Value) {
			switch {
			case v.Ref().Kind != flow.RefNone:
			case v.Len() > w.sizes.Inline:
				w.place(v)
			default:
				room += v.Len()
			}
		})
	}
	if len(x.Tail) == 0 {
		x.TailFirst = events[0].ID
	}
	// Others may read the tail as it was: it gets room of its own.
	x.Tail = flow.AppendEvents(append(make([]byte, 0, len(x.Tail)+room), x.Tail...), x.Started, events)
}

// Load reads an execution, strongly consistent, its body with it. ErrNotFound when there is none or it has expired.
func (s *Store) Load(ctx context.Context, partition string) (*Execution, error) {
	row, err := s.driver.Get(ctx, Key{partition, sortState})
	if err != nil {
		return nil, err
	}
	return s.execution(ctx, row)
}

// execution is the execution of a state row, its body with it. ErrNotFound when it has expired.
func (s *Store) execution(ctx context.Context, row Row) (*Execution, error) {
	if row.Expires > 0 && row.Expires <= s.nowMillis() {
		return nil, ErrNotFound
	}
	x, err := decodeExecution(row)
	if err != nil {
		return nil, err
	}
	if x.bodyRef != nil {
		if err := s.LoadValue(ctx, x, x.bodyRef); err != nil {
			return nil, err
		}
		x.Body = x.bodyRef.Text()
	}
	return x, nil
}

// InputText is the execution's input as it was sent.
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
