package interp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// mapRun is the run of a distributed Map, while its entry is open. Its items are the work of child
// executions. Each child in flight is a scope of the entry, whose only entry has an attempt: so
// children are leased, reported, stopped and counted once like the calls of tasks
// (docs/protocol.md#mapruns). The entry counts items: total, cursor for those handed out, pending
// for those that have not ended. Its results are one for each child.
type mapRun struct {
	id          int64 // event id of MapRunStarted
	started     int64 // ms since 1970
	concurrency int
	// How many failed items, or which percentage of them, do not fail the Map; below 0: not given.
	toleratedCount      int64
	toleratedPercentage float64

	batchItems int64 // maximum of items of a batch
	batchBytes int64 // maximum of bytes of a batch's input

	succeeded, failed int           // items
	bytes             int           // of the results
	undone            []childItems  // of children that have failed, for a redrive
	redo              []childItems  // of children of an earlier life, to start again
	firstError        *flow.Error   // of a child; its cause names the child
	reader            *itemReader   // nil: ItemsPath gave the items
	writer            *resultWriter // nil: the results are those of the entry
	children          int           // with a writer: how many have been started
	unknown           []byte
}

// endedMapRun is what an execution keeps of a MapRun that has ended.
type endedMapRun struct {
	MapRun
	unknown []byte
}

// MapRunStatus is the status of a MapRun (docs/api.md#describemaprun).
type MapRunStatus uint8

// The statuses. The numbers are part of the row format.
const (
	MapRunRunning MapRunStatus = iota + 1
	MapRunSucceeded
	MapRunFailed  // more failures than it tolerates, or an error of the Map
	MapRunAborted // the execution, or another branch of it, has ended
)

// String returns the name on the wire.
func (s MapRunStatus) String() string {
	return [...]string{"", "Running", "Succeeded", "Failed", "Aborted"}[s]
}

// MapRun describes a MapRun. The counts are those of items.
type MapRun struct {
	Name        string // derived from the execution and ID
	ID          int64  // event id of its MapRunStarted event
	Status      MapRunStatus
	Started     int64 // ms since 1970
	Stopped     int64 // ms since 1970; 0 while it runs
	Concurrency int
	// Tolerated failures; below 0: not given.
	ToleratedCount      int64
	ToleratedPercentage float64

	// While items are read from objects, Total grows.
	Total, Pending, Running, Succeeded, Failed, Aborted int
}

// HasMapRuns reports whether the execution has MapRuns, open or ended.
func (s *State) HasMapRuns() bool {
	open := len(s.endedMapRuns) > 0
	s.each(func(e *entry) { open = open || e.mapRun != nil })
	return open
}

// MapRuns returns the MapRuns of the execution: those that have ended, then the open ones.
func (s *State) MapRuns() []MapRun {
	out := make([]MapRun, 0, len(s.endedMapRuns))
	for _, r := range s.endedMapRuns {
		r.Name = s.mapRunName(r.ID)
		out = append(out, r.MapRun)
	}
	s.each(func(e *entry) {
		if e.mapRun != nil {
			out = append(out, s.describe(e))
		}
	})
	return out
}

// describe returns the open MapRun of an entry.
func (s *State) describe(e *entry) MapRun {
	r := e.mapRun
	d := MapRun{
		Name: s.mapRunName(r.id), ID: r.id, Status: MapRunRunning, Started: r.started,
		Concurrency: r.concurrency, ToleratedCount: r.toleratedCount,
		ToleratedPercentage: r.toleratedPercentage, Total: e.total, Pending: e.total - e.cursor,
		Succeeded: r.succeeded, Failed: r.failed,
	}
	for _, c := range r.redo {
		d.Pending += c.items
	}
	for _, sc := range e.running {
		if sc.cur != nil && sc.cur.attempt != nil { // otherwise the row is damaged
			d.Running += sc.cur.attempt.items
		}
	}
	return d
}

// mapRunName returns the name of a MapRun: 32 hexadecimal digits that nobody can guess before it
// has started.
func (s *State) mapRunName(id int64) string {
	h := hmac.New(sha256.New, s.Seed[:])
	h.Write([]byte("maprun#"))
	h.Write(binary.BigEndian.AppendUint64(nil, s.Run))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// childName returns the name of a child execution.
func (s *State) childName(r *mapRun, index int) string {
	return s.mapRunName(r.id) + "-" + strconv.Itoa(index)
}

// childBits is the number of bits of a child's attempt id that hold its index.
const childBits = 32

// childAttempt returns the id of a child's attempt. It is larger than any event id, because no
// event stands for it: a history has one event for a MapRun, however many children it has.
func (r *mapRun) childAttempt(index int) int64 { return r.id<<childBits | int64(index+1) }

// mapRunOf returns the entry whose MapRun the entry is a child of, or nil.
func (e *entry) mapRunOf() *entry {
	if o := e.scope.owner; o != nil && o.mapRun != nil {
		return o
	}
	return nil
}

// startMapRun starts the MapRun of a distributed Map over n items, or the first MaxItems of them; with
// an ItemReader over the items that it reads.
func (f *stepper) startMapRun(e *entry, st *flow.State, n int) error {
	if f.s.Express {
		return stateError{flow.Error{Name: flow.ErrMapRunNotSupported,
			Cause: "a distributed Map does not run in an Express execution: use a Standard flow, " +
				"or leave ProcessorConfig out"}}
	}
	if err := f.checkMapRuns(); err != nil {
		return err
	}
	r, itemsMax, err := f.readDistribution(e, st.Map)
	if err != nil {
		return err
	}
	if itemsMax >= 0 {
		n = int(min(int64(n), itemsMax))
	}
	if n > f.l.MapItems {
		return stateError{f.tooManyItems(n)}
	}
	if spec := st.Map.Distributed.Reader; spec != nil {
		if r.reader, err = f.newReader(e, spec, itemsMax); err != nil {
			return err
		}
	}
	if spec := st.Map.Distributed.Writer; spec != nil {
		if r.writer, err = f.newWriter(e, spec); err != nil {
			return err
		}
	}
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	f.announceMapRun(e, r)
	f.fork(e, n)
	e.results = nil // one for each child, as it is started
	return nil
}

// announceMapRun writes the event of a MapRun, which the entry has from now on.
func (f *stepper) announceMapRun(e *entry, r *mapRun) {
	r.id, r.started = f.s.LastEvent+1, f.now
	e.last = f.emit(flow.HistoryEvent{Type: flow.MapRunStarted, Schedule: e.last, Node: e.node,
		Output: flow.NewValue(map[string]any{"MapRunName": f.s.mapRunName(r.id)})})
	e.mapRun = r
}

// checkMapRuns returns an error if the execution may not have one more open MapRun.
func (f *stepper) checkMapRuns() error {
	open := 0
	f.s.each(func(e *entry) {
		if e.mapRun != nil {
			open++
		}
	})
	if open >= f.l.MapRuns {
		return f.mapRunError(fmt.Sprintf("an execution may have %d open MapRuns; "+
			"the setting Limits.MapRuns raises that", f.l.MapRuns))
	}
	return nil
}

func (f *stepper) mapRunError(cause string) error {
	return stateError{flow.Error{Name: flow.ErrMapRunFailed, Cause: cause}}
}

// readDistribution evaluates the numbers of a distributed Map. itemsMax is -1 if it is not given.
func (f *stepper) readDistribution(e *entry, m *flow.MapSpec) (*mapRun, int64, error) {
	d := m.Distributed
	r := &mapRun{toleratedCount: -1, toleratedPercentage: -1,
		batchItems: math.MaxInt64, batchBytes: int64(f.dataMax()),
		concurrency: f.clampConcurrency(int64(m.Concurrency))}
	itemsMax, percentage := int64(-1), int64(-1)
	numbers := []numberField{
		{"MaxItems", d.ItemsMax, 0, &itemsMax},
		{"ToleratedFailureCount", d.ToleratedCount, 0, &r.toleratedCount},
		{"ToleratedFailurePercentage", d.ToleratedPercentage, 0, &percentage},
	}
	if b := d.Batch; b != nil {
		numbers = append(numbers,
			numberField{"MaxItemsPerBatch", b.ItemsMax, 1, &r.batchItems},
			numberField{"MaxInputBytesPerBatch", b.BytesMax, 1, &r.batchBytes})
	}
	for _, n := range numbers {
		if err := f.readNumber(e, n); err != nil {
			return nil, 0, err
		}
	}
	r.batchBytes = min(r.batchBytes, int64(f.dataMax()))
	if percentage > 100 {
		return nil, 0, f.runtimeError("ToleratedFailurePercentage must be at most 100")
	}
	r.toleratedPercentage = float64(percentage)
	return r, itemsMax, nil
}

// clampConcurrency returns the number of children that may run at the same time.
func (f *stepper) clampConcurrency(n int64) int {
	if n <= 0 || n > int64(f.l.MapConcurrencyMax) {
		return f.l.MapConcurrencyMax
	}
	return int(n)
}

// numberField is a number of a distributed Map: where it is written, its least value, and where it
// goes. Nothing is written if it is not given.
type numberField struct {
	site     string
	template *expr.Template
	valueMin int64
	to       *int64
}

func (f *stepper) readNumber(e *entry, n numberField) error {
	if n.template == nil {
		return nil
	}
	v, err := f.build(n.template, f.env(e, n.site))
	if err != nil {
		return err
	}
	i, ok := wholeNumber(v, false)
	if !ok || i < n.valueMin {
		return f.runtimeError(fmt.Sprintf("%s must be an integer from %d, got %s", n.site,
			n.valueMin, value.Quote(string(value.Encode(v)))))
	}
	*n.to = i
	return nil
}
