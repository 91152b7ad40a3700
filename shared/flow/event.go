package flow

import "millrace/shared/value"

// EventType is the type of a history event. The numbers are part of the row format. Each family has
// 16 numbers; new types go to the end of their family, and new families to the end.
type EventType uint16

// The types of both dialects (docs/api.md#getexecutionhistory).
const (
	ExecutionStarted EventType = iota + 1
	ExecutionSucceeded
	ExecutionFailed
	ExecutionStopped
	ExecutionTimedOut
	ExecutionRedriven // another life begins; the event before it is the last of the life before
)

// Types of states of FlowV1.
const (
	StepEntered EventType = iota + 16
	StepStarted
	StepSucceeded
	StepFailed
	StepExited
)

// Types of branches and iterations.
const (
	BranchEntered EventType = iota + 32
	BranchExited
	IterationEntered
	IterationExited
)

// Types of tasks.
const (
	TaskScheduled EventType = iota + 48
	TaskStarted
	TaskSubmitted
	TaskSubmitFailed
	TaskSucceeded
	TaskFailed
	TaskTimedOut
)

// Types of states of StateMachine.
const (
	StateEntered EventType = iota + 64
	StateStarted
	StateSucceeded
	StateFailed
	StateTimedOut
	StateAborted
)

// Types of distributed Maps.
const MapRunStarted EventType = 80

// eventNames are the names on the wire.
var eventNames = [...]string{
	ExecutionStarted:   "ExecutionStarted",
	ExecutionSucceeded: "ExecutionSucceeded",
	ExecutionFailed:    "ExecutionFailed",
	ExecutionStopped:   "ExecutionStopped",
	ExecutionTimedOut:  "ExecutionTimedOut",
	ExecutionRedriven:  "ExecutionRedriven",
	StepEntered:        "StepEntered",
	StepStarted:        "StepStarted",
	StepSucceeded:      "StepSucceeded",
	StepFailed:         "StepFailed",
	StepExited:         "StepExited",
	BranchEntered:      "BranchEntered",
	BranchExited:       "BranchExited",
	IterationEntered:   "IterationEntered",
	IterationExited:    "IterationExited",
	TaskScheduled:      "TaskScheduled",
	TaskStarted:        "TaskStarted",
	TaskSubmitted:      "TaskSubmitted",
	TaskSubmitFailed:   "TaskSubmitFailed",
	TaskSucceeded:      "TaskSucceeded",
	TaskFailed:         "TaskFailed",
	TaskTimedOut:       "TaskTimedOut",
	StateEntered:       "StateEntered",
	StateStarted:       "StateStarted",
	StateSucceeded:     "StateSucceeded",
	StateFailed:        "StateFailed",
	StateTimedOut:      "StateTimedOut",
	StateAborted:       "StateAborted",
	MapRunStarted:      "MapRunStarted",
}

// String returns the name on the wire.
func (t EventType) String() string {
	if int(t) < len(eventNames) && eventNames[t] != "" {
		return eventNames[t]
	}
	return "Unknown"
}

// HistoryEvent is one event of an execution's history.
type HistoryEvent struct {
	ID       int64 // 1, 2, 3 …
	Schedule int64 // id of the event that this one follows; 0 for the first
	Type     EventType
	Node     int   // node number of the state; -1 for an event of the execution
	Time     int64 // ms since 1970; never before the previous event
	Mark     uint64
	Input    *Value // nil if the type has none; so are the other values
	Local    *Value
	Output   *Value
	Error    *Error
}

// Values calls f for every value of the event.
func (e *HistoryEvent) Values(f func(field byte, v *Value)) {
	if e.Input != nil {
		f(FieldInput, e.Input)
	}
	if e.Local != nil {
		f(FieldLocal, e.Local)
	}
	if e.Output != nil {
		f(FieldOutput, e.Output)
	}
}

// Value returns the value of a field.
func (e *HistoryEvent) Value(field byte) *Value {
	switch field {
	case FieldInput:
		return e.Input
	case FieldLocal:
		return e.Local
	}
	return e.Output
}

// StepName returns the name of the event's state, or "" for an event of the execution.
func (e *HistoryEvent) StepName(m *Machine) string {
	if e.Node < 0 || e.Node >= len(m.Nodes) {
		return ""
	}
	return m.Nodes[e.Node].Name
}

// AppendDetail appends the event's EventDetail: a JSON object with sorted keys
// (docs/api.md#getexecutionhistory). Its values must be loaded.
func (e *HistoryEvent) AppendDetail(dst []byte, m *Machine) []byte {
	d := detail{append(dst, '{'), false}
	if e.Error != nil {
		d.text("cause", e.Error.Cause)
		d.text("error", e.Error.Name)
	}
	d.value("input", e.Input)
	d.value("local", e.Local)
	d.value("output", e.Output)
	if e.Type == TaskScheduled && e.Node >= 0 && e.Node < len(m.Nodes) {
		if t := m.Nodes[e.Node].Task; t != nil {
			m.Dialect.traits().appendTask(&d, t)
		}
	}
	return append(d.buf, '}')
}

type detail struct {
	buf  []byte
	some bool
}

func (d *detail) key(k string) {
	if d.some {
		d.buf = append(d.buf, ',')
	}
	d.some = true
	d.buf = value.AppendString(d.buf, k)
	d.buf = append(d.buf, ':')
}

func (d *detail) text(k, v string) {
	d.key(k)
	d.buf = value.AppendString(d.buf, v)
}

func (d *detail) value(k string, v *Value) {
	if v != nil {
		d.key(k)
		d.buf = append(d.buf, v.Text()...)
	}
}
