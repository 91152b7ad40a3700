package sim

import "millrace/shared/flow"

// lists tracks which branches and iterations are open.
type lists struct {
	count   int // events seen
	entries map[int64]*entry
	iters   map[int64]*list // FlowV1: by BranchEntered, IterationEntered
	maps    []*entry        // entries of Maps that are open
}

// entry is one entry of a state.
type entry struct {
	node   int
	in     *list
	inside []*list
	closed bool
}

// list is one branch, one iteration, or the flow's own list of states.
type list struct {
	owner *entry // nil for the flow's own
	open  int
}

func newLists() *lists { return &lists{entries: map[int64]*entry{}, iters: map[int64]*list{}} }

// add processes the events of one commit and then counts.
func (l *lists) add(m *flow.Machine, limits *flow.Limits, events []flow.HistoryEvent,
	failf func(string, ...any)) {
	for i := range events {
		l.event(m, &events[i])
	}
	open := l.maps[:0]
	for _, e := range l.maps {
		if e.closed {
			continue
		}
		open = append(open, e)
		n := 0
		for _, in := range e.inside {
			if in.open > 0 {
				n++
			}
		}
		if most := width(m, limits, m.Nodes[e.node]); n > most {
			failf("state %s has %d iterations open, %d are allowed", m.Nodes[e.node].Name, n, most)
		}
	}
	l.maps = open
}

func width(m *flow.Machine, l *flow.Limits, st *flow.State) int {
	switch {
	case m.Dialect == flow.FlowV1:
		return l.IterationsV1
	case st.Map.Concurrency == 0:
		return l.MapConcurrency
	}
	return min(st.Map.Concurrency, l.MapConcurrencyMax)
}

func (l *lists) event(m *flow.Machine, e *flow.HistoryEvent) {
	l.count++
	from := l.entries[e.Schedule]
	switch e.Type {
	case flow.ExecutionRedriven:
		l.maps = nil
		return
	case flow.StateEntered, flow.StepEntered:
		l.entered(m, e, from)
		return
	case flow.BranchEntered, flow.IterationEntered:
		if from != nil {
			in := &list{owner: from, open: 1}
			from.inside = append(from.inside, in)
			l.iters[e.ID] = in
			l.entries[e.ID] = from
		}
		return
	}
	inside := from
	for from != nil && from.node != e.Node {
		from = from.in.owner
	}
	l.entries[e.ID] = from
	if from == nil {
		return
	}
	switch e.Type {
	case flow.BranchExited, flow.IterationExited:
		if in := l.iters[e.Schedule]; in != nil {
			in.open = 0
		} else if inside != nil {
			inside.in.open = 0
		}
	case flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut, flow.StateAborted,
		flow.StepFailed, flow.StepExited:
		if !from.closed {
			from.closed = true
			if m.Dialect == flow.StateMachine {
				from.in.open--
			}
		}
	}
}

func (l *lists) entered(m *flow.Machine, e *flow.HistoryEvent, from *entry) {
	now := &entry{node: e.Node}
	l.entries[e.ID] = now
	switch {
	case from == nil:
		now.in = &list{}
	case l.iters[e.Schedule] != nil:
		now.in = l.iters[e.Schedule]
	case !from.closed:
		now.in = &list{owner: from}
		from.inside = append(from.inside, now.in)
	default:
		now.in = from.in
	}
	if m.Dialect == flow.StateMachine {
		now.in.open++
	}
	if m.Nodes[e.Node].Kind == flow.Map {
		l.maps = append(l.maps, now)
	}
}
