package interp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// schedule opens an attempt. It evaluates the parameters once and keeps them with the attempt.
func (f *stepper) schedule(e *entry, st *flow.State) error {
	t := st.Task
	id := f.s.LastEvent + 1
	v := f.env(e, "Parameters")
	v.attempt = id
	v.omitAbsent = f.d.omitAbsent
	a := &attempt{id: id, number: e.retries, phase: attemptReady, mode: t.Mode,
		http: t.Action == "HTTP:Request"}
	if t.Parameters != nil {
		tree, err := f.build(t.Parameters, v)
		if err != nil {
			return err
		}
		what := "the parameters of state " + value.Quote(st.Name)
		if a.params, err = f.valueWithinDataLimit(tree, what); err != nil {
			return err
		}
	}
	if t.Timeout != nil {
		n, err := f.timeoutSeconds(e, t)
		if err != nil {
			return err
		}
		if n > 0 {
			a.deadline = f.now + n*1000
		}
	}
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	f.recordChild(t, a)
	e.last = f.emit(flow.HistoryEvent{Type: flow.TaskScheduled, Schedule: e.last, Node: e.node,
		Input: f.d.data.scheduled(e, a)})
	e.attempt, e.phase = a, calling
	return nil
}

func (f *stepper) timeoutSeconds(e *entry, t *flow.TaskSpec) (int64, error) {
	v, err := f.build(t.Timeout, f.env(e, "Timeout"))
	if err != nil {
		return 0, err
	}
	n, ok := wholeNumber(v, true)
	if !ok || n < 0 || n > f.l.TaskSeconds {
		return 0, f.runtimeError(
			fmt.Sprintf("the Timeout must be a whole number from 0 to %d, got %s", f.l.TaskSeconds,
				value.Quote(string(value.Encode(v)))))
	}
	return n, nil
}

// recordChild records the child execution that the attempt starts and waits for.
func (f *stepper) recordChild(t *flow.TaskSpec, a *attempt) {
	if t.Mode != flow.WaitForSystemCallback {
		return
	}
	c, ok := childOf(t, f.s.Dialect, a.params)
	if !ok {
		return
	}
	if a.childFlow, a.child = c.Flow(), c.ExecutionName; a.child == "" {
		a.child = ChildName(f.s.Key(a.id))
	}
}

// Key returns the idempotency key of an attempt. It is the same for every call of the attempt.
func (s *State) Key(attempt int64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], s.Run)
	binary.BigEndian.PutUint64(b[8:], uint64(attempt))
	return hex.EncodeToString(b[:])
}

// Call is a leased attempt. The caller must make the call only after the commit.
type Call struct {
	Attempt int64
	Node    int
	State   string
	Task    *flow.TaskSpec
	Params  *flow.Value // nil if there are none
	Input   *flow.Value // the state's input
	Token   string      // "" for what does not wait for a report
	Key     string
	Child   *MapChild // the child execution of a MapRun, which has no Task; nil: a task
	// ReadsItems says that the call reads items of a MapRun from objects: it has no Task, and its
	// Params are those of task/itemtask.
	ReadsItems bool
	// WritesResults says the same of a call that writes results of a MapRun to an object.
	WritesResults bool
	Deadline      int64 // ms since 1970; 0: none
	Until         int64 // end of the lease, ms since 1970; the call must not begin later
}

// MapChild is a child execution of a MapRun. Its input are the parameters of the call.
type MapChild struct {
	Name    string
	MapRun  string
	Express bool // the call runs it; otherwise the call starts it, and it reports its end
}

// leaseReady leases ready attempts to the caller: as many as it allows, or none if one of them
// needs a value that is not loaded.
func (f *stepper) leaseReady(t *LeaseOptions) {
	var entries []*entry
	f.s.each(func(e *entry) {
		a := e.attempt
		if a == nil || a.phase != attemptReady || len(entries) >= t.Max {
			return
		}
		entries = append(entries, e)
		f.out.Need = e.unloaded(f.out.Need)
	})
	if len(f.out.Need) > 0 {
		return
	}
	for _, e := range entries {
		if !e.attempt.started && f.endAtEventLimit(1) {
			f.out.Calls = nil
			return
		}
		f.out.Calls = append(f.out.Calls, f.leaseAttempt(e, t))
	}
}

// leaseAttempt leases the entry's attempt to the caller.
func (f *stepper) leaseAttempt(e *entry, t *LeaseOptions) Call {
	a, st := e.attempt, f.state(e)
	a.phase, a.owner, a.until = attemptRunning, t.Owner, f.leaseEnd(a, t)
	if !a.started {
		a.started = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskStarted, Schedule: e.last, Node: e.node})
	}
	f.out.Changed = true
	c := Call{Attempt: a.id, Node: e.node, State: st.Name, Task: st.Task, Params: a.params,
		Input: e.input, Key: f.s.Key(a.id), Deadline: a.deadline, Until: a.until}
	if o := e.mapRunOf(); o != nil {
		c.Child = &MapChild{Name: f.s.childName(o.mapRun, e.scope.index),
			MapRun: f.s.mapRunName(o.mapRun.id), Express: a.mode == flow.RequestComplete}
	}
	if e.isWriting() {
		c.WritesResults, c.Params = true, f.fileRequest(e)
	} else if e.reader() != nil {
		c.ReadsItems, c.Params = true, f.blockRequest(e)
	}
	if a.mode != flow.RequestComplete {
		c.Token = f.s.token(e.tokenID(f.s))
	}
	return c
}

// tokenID returns the id of the event that the task token names.
func (e *entry) tokenID(s *State) int64 {
	if EntryTokens(s.Dialect) {
		return e.id
	}
	return e.attempt.id
}

// leaseEnd returns the end of a lease, ms since 1970.
func (f *stepper) leaseEnd(a *attempt, t *LeaseOptions) int64 {
	until := f.s.Deadline
	if a.deadline > 0 {
		until = min(until, a.deadline)
	}
	if t.DurationMax > 0 {
		until = min(until, f.clock+t.DurationMax)
	}
	return until + LeaseMargin
}

// LeaseMargin is added to the end of every lease, ms. Other processes treat a lease as expired only
// another LeaseMargin later (docs/protocol.md#calls-and-leases).
const LeaseMargin = 10_000
