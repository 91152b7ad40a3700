package interp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// schedule opens an attempt: its parameters are evaluated and kept with it.
func (f *fold) schedule(e *entry, st *flow.State) error {
	t := st.Task
	id := f.s.LastEvent + 1
	v := f.env(e, "Parameters")
	v.attempt = id
	v.sparse = f.m.Language == flow.Steps
	a := &attempt{id: id, number: e.retries, phase: ready, mode: t.Mode, http: t.Action == "HTTP:Request"}
	if t.Parameters != nil {
		tree, err := f.build(t.Parameters, v)
		if err != nil {
			return err
		}
		if a.params, err = f.sized(tree, "the parameters of state "+value.Quote(st.Name)); err != nil {
			return err
		}
	}
	if t.Timeout != nil {
		n, err := f.timeout(e, t)
		if err != nil {
			return err
		}
		if n > 0 {
			a.deadline = f.now + n*1000
		}
	}
	if err := f.room(1); err != nil {
		return err
	}
	f.noteChild(t, a)
	shown := e.input
	if f.m.Language == flow.States {
		shown = a.params
		if shown == nil {
			shown = flow.Empty()
		}
	}
	e.last = f.emit(flow.HistoryEvent{Type: flow.TaskScheduled, Schedule: e.last, Node: e.node, Input: shown})
	e.attempt, e.phase = a, calling
	return nil
}

func (f *fold) timeout(e *entry, t *flow.TaskSpec) (int64, error) {
	v, err := f.build(t.Timeout, f.env(e, "Timeout"))
	if err != nil {
		return 0, err
	}
	n, ok := seconds(v, true)
	if !ok || n < 0 || n > f.l.TaskSeconds {
		return 0, f.runtime(fmt.Sprintf("the Timeout must be a whole number from 0 to %d, got %s", f.l.TaskSeconds, value.Quote(string(value.Encode(v)))))
	}
	return n, nil
}

// noteChild notes the execution that the attempt starts and waits for.
func (f *fold) noteChild(t *flow.TaskSpec, a *attempt) {
	if t.Mode != flow.WaitForSystemCallback {
		return
	}
	c, ok := childOf(t, f.m.Language, a.params)
	if !ok {
		return
	}
	if a.childFlow, a.child = c.Flow(), c.ExecutionName; a.child == "" {
		a.child = ChildName(f.s.Key(a.id))
	}
}

// Key is the idempotency key of an attempt: equal for every call of it.
func (s *State) Key(attempt int64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], s.Run)
	binary.BigEndian.PutUint64(b[8:], uint64(attempt))
	return hex.EncodeToString(b[:])
}

// Call is an attempt that has been taken and must be called after the commit.
type Call struct {
	Attempt  int64
	Node     int
	State    string
	Task     *flow.TaskSpec
	Params   *flow.Value // nil without
	Input    *flow.Value // the state's input
	Token    string      // "" for a task that waits for no report
	Key      string
	Deadline int64 // ms since 1970; 0: none
	Until    int64 // end of the lease; never call after it
}

// take gives ready attempts to the caller: all that it may take, or none while a value of one is missing.
func (f *fold) take(t *Take) {
	var entries []*entry
	f.s.each(func(e *entry) {
		a := e.attempt
		if a == nil || a.phase != ready || len(entries) >= t.Max {
			return
		}
		entries = append(entries, e)
		for _, v := range [...]*flow.Value{e.input, a.params} {
			if v != nil && !v.Loaded() {
				f.out.Need = append(f.out.Need, v)
			}
		}
	})
	if len(f.out.Need) > 0 {
		return
	}
	for _, e := range entries {
		if !e.attempt.started && f.full(1) {
			f.out.Calls = nil
			return
		}
		f.out.Calls = append(f.out.Calls, f.lend(e, t))
	}
}

// lend gives the entry's attempt to the caller.
func (f *fold) lend(e *entry, t *Take) Call {
	a, st := e.attempt, f.state(e)
	a.phase, a.owner, a.until = called, t.Owner, f.lease(a, t)
	if !a.started {
		a.started = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskStarted, Schedule: e.last, Node: e.node})
	}
	f.out.Changed = true
	c := Call{Attempt: a.id, Node: e.node, State: st.Name, Task: st.Task, Params: a.params, Input: e.input,
		Key: f.s.Key(a.id), Deadline: a.deadline, Until: a.until}
	if a.mode != flow.RequestComplete {
		c.Token = f.s.token(e.tokenID(f.s))
	}
	return c
}

// tokenID is the event that the token of the entry's attempt names.
func (e *entry) tokenID(s *State) int64 {
	if s.Language == flow.Steps {
		return e.id
	}
	return e.attempt.id
}

// lease is until when a call may go on.
func (f *fold) lease(a *attempt, t *Take) int64 {
	until := f.s.Deadline
	if a.deadline > 0 {
		until = min(until, a.deadline)
	}
	if t.LeaseMax > 0 {
		until = min(until, f.clock+t.LeaseMax)
	}
	return until + LeaseMargin
}

// LeaseMargin is added to every lease, ms; a lease counts as over only LeaseMargin later (execution.md 1.4).
const LeaseMargin = 10_000
