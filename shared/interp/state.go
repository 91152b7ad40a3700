// Package interp is the pure interpreter. Step applies messages to the State of one execution and
// advances it as far as it can go; work outside is returned as data. The package reads no clock, no
// random source and no store: the caller passes times and seeds in, and Step asks the caller for
// values that are not loaded.
package interp

import "millrace/shared/flow"

// Facts are fixed when an execution is claimed.
type Facts struct {
	Account       string
	Region        string
	FlowID        string
	Flow          string // flow name
	Name          string // execution name
	RoleArn       string
	Run           uint64 // identifies this life of the execution's name
	Seed          [16]byte
	Dialect       flow.Dialect
	Started       int64  // ms since 1970
	Deadline      int64  // ms since 1970; the execution ends by then at the latest
	TimeLimit     int64  // ms; of each life that a redrive begins
	CallbackToken string // task token to report the end to; "" for none
	Express       bool
	Child         bool // of a MapRun: its output may be any JSON value
	Input         *flow.Value

	// BlockSize is the number of finished scopes that share one stored value; 0 means 256. It is
	// part of the row format: every process that reads a body must use the number with which it was
	// written.
	BlockSize int
}

// State is one execution: its open scopes and its results so far. It belongs to one goroutine at a
// time. Step changes it in place; a caller that needs the previous state decodes it again.
type State struct {
	Facts
	Status  flow.Status
	Output  *flow.Value // of a succeeded execution
	Error   *flow.Error // of an execution that ended with any other status
	Stopped int64       // ms since 1970; 0 while it runs

	LastEvent int64 // id of the last event
	LastTime  int64 // its time

	// Redrives counts the redrives. Redriven is the time of the last one, ms since 1970, and
	// RedriveMark the mark of its sender.
	Redrives    int
	Redriven    int64
	RedriveMark uint64

	Globals map[string]*flow.Value
	Outbox  []OutboxEntry // effects still to be sent; survives the end of the execution

	endedMapRuns []endedMapRun // in the order in which they ended

	root  *scope
	ready bool // some scope can advance and has not been run yet

	// unknown are the fields of the body that only a newer program knows. Scopes, entries, attempts
	// and outbox entries keep such fields of their own.
	unknown []byte
}

// OutboxEntry is an effect that must be delivered at least once after the commit.
type OutboxEntry struct {
	Kind OutboxKind
	// ID distinguishes the outbox entries of one execution, also those that are already delivered.
	// It is the event id of the attempt for an OutboxStopChild. For the OutboxCallback it is 0, or
	// after a redrive the id of the last event.
	ID int64
	// OutboxCallback: report Output or Error to Token.
	Token  string
	Output *flow.Value
	Error  *flow.Error
	// OutboxStopChild: stop this execution, unless it was redriven after Since, ms since 1970.
	Flow, Name string
	Since      int64
	// Next is the time of the next try, ms since 1970; 0 means at once. Tries counts the failed
	// tries.
	Next  int64
	Tries int

	unknown []byte
}

// OutboxKind is the kind of an OutboxEntry.
type OutboxKind uint8

// The kinds of outbox entries. The numbers are part of the row format.
const (
	OutboxCallback OutboxKind = iota + 1
	OutboxStopChild
)

// scope is one running list of states: of the flow itself, of an option, a branch or an iteration.
type scope struct {
	owner   *entry // the state that opened it; nil for the flow's root scope
	index   int    // of the option, branch or iteration
	input   *flow.Value
	local   *flow.Value // FlowV1: the merged outputs of the finished states
	last    int64       // id of the event that the next event follows
	entries int64       // number of states entered so far
	target  int         // state to enter when none is open
	cur     *entry
	left    *entry // open when the scope ended without success; kept for a redrive
	ended   bool   // finished or aborted; no longer in the list of its owner
	unknown []byte
}

// phase is the phase of an entry. The numbers are part of the row format.
type phase uint8

const (
	entered    phase = iota + 1 // the Entered event is written; the input is not built yet
	beginning                   // the Started event is written; the work must begin (again)
	waiting                     // the timer of a Wait state runs
	calling                     // a task's attempt is open
	backingOff                  // the timer of a retry runs
	spawning                    // inner scopes are open, or must be opened
	finishing                   // the result is known
	failing                     // the error is known
	closed                      // the entry has ended
)

// entry is one visit of a state, from its Entered event to its last event.
type entry struct {
	scope         *scope
	node          int
	id            int64 // event id of its Entered event
	startID       int64 // event id of its Started event
	ordinal       int64 // 1 for the first state entered in its scope
	phase         phase
	last          int64 // id of the last event written inside the entry
	input         *flow.Value
	result        *flow.Value
	failure       *flow.Error
	permanent     bool  // the error is not retried, because it would occur again
	timeout       bool  // the error is a timeout
	due           int64 // end of the timer while waiting or backingOff, ms since 1970
	retriesByRule []int // number of retries by rule
	retries       int
	option        int // Choice: index of the chosen option; len(Options) for the default

	attempt *attempt

	// Parallel, Map and the options of a FlowV1 Choice.
	total   int
	cursor  int           // number of scopes opened so far
	pending int           // number of results still missing
	running []*scope      // open scopes
	results []*flow.Value // results by index
	items   []any         // of a Map; nil after decoding, until reloadItems
	// storedItems are the items of a Map, if evaluating them again could differ or cost too much.
	storedItems *flow.Value
	blocks      []*flow.Value // full blocks of results, as stored; nil for a block that is not full
	mapRun      *mapRun       // of a distributed Map, while it runs
	// left are inner scopes to open again: while the entry runs after a redrive, those that it has
	// not opened yet; after it has failed, those that were open. leftRun is the MapRun that had not
	// succeeded.
	left    []*scope
	leftRun *mapRun
	resumed bool // it goes on from a visit of an earlier life, and its work has not begun
	unknown []byte
}

// attemptPhase is the phase of an attempt. The numbers are part of the row format.
type attemptPhase uint8

const (
	attemptReady attemptPhase = iota + 1
	attemptRunning
	attemptSubmitted // the call was accepted; a report is awaited
)

// attempt is one attempt of a task.
type attempt struct {
	id        int64 // event id of its TaskScheduled event
	number    int   // from 0
	phase     attemptPhase
	started   bool        // TaskStarted is written
	submitted bool        // TaskSubmitted is written
	params    *flow.Value // nil if there are none
	deadline  int64       // ms since 1970; 0: none
	owner     uint64      // the process that runs the call
	until     int64       // end of the lease, ms since 1970
	lostCalls int         // number of leases that have expired

	mode flow.TaskMode
	http bool // the call is an HTTP request
	// childFlow and child name the execution that the attempt starts and waits for; "" if there is
	// none.
	childFlow string
	child     string
	items     int // that the child of a MapRun works on
	first     int // index of the first of them, plus 1; 0: an older program has not noted it
	unknown   []byte
}

// Final reports whether the execution has ended.
func (s *State) Final() bool { return s.Status.Final() }

// New returns the state of an execution that is about to start. The first Step writes its
// ExecutionStarted event.
func New(f Facts) *State {
	return &State{Facts: f, Status: flow.Running, LastTime: f.Started}
}

// each calls f for every open entry, outer entries before inner ones.
func (s *State) each(f func(e *entry)) {
	if s.root != nil {
		s.root.each(f)
	}
}

func (sc *scope) each(f func(e *entry)) {
	if sc.cur == nil {
		return
	}
	e := sc.cur
	f(e)
	for _, child := range e.running {
		child.each(f)
	}
}
