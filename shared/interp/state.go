// Package interp is the pure interpreter. Step folds news into the State of one execution and runs it on as far
// as it goes; what has to be done outside comes back as data. It reads no clock, no random source and no store:
// time and seeds come in, values that are not at hand are asked for.
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
	Run           uint64 // this incarnation of the execution's name
	Seed          [16]byte
	Language      flow.Language
	Started       int64  // ms since 1970
	Deadline      int64  // ms since 1970; the execution has ended by then
	CallbackToken string // token to report to at the end; "" for none
	Express       bool
	Input         *flow.Value

	// BlockSize is how many finished scopes share a value of their own. 0: 256, which is part of the row
	// format: every process that reads a body must have the number that it was written with.
	BlockSize int
}

// State is an execution: its open scopes and what it has come to. It belongs to one goroutine at a time; Step
// changes it in place, and a caller that must keep the old one decodes it again.
type State struct {
	Facts
	Status  flow.Status
	Output  *flow.Value // of a succeeded execution
	Error   *flow.Error // of an execution that ended otherwise
	Stopped int64       // ms since 1970; 0 while it runs

	LastEvent int64 // id of the last event
	LastTime  int64 // its time

	Globals map[string]*flow.Value
	Outbox  []OutboxEntry // what must be sent; survives the end

	root  *scope
	ready bool // some scope may go on that has not been run
}

// OutboxEntry is something that must be done outside once it has been committed, at least once.
type OutboxEntry struct {
	Kind OutboxKind
	// ID tells the outgoings of one execution apart for ever: the attempt that a OutboxStopChild belongs to, 0 for the
	// Callback.
	ID int64
	// Callback: the report to Token, Output or Error.
	Token  string
	Output *flow.Value
	Error  *flow.Error
	// OutboxStopChild: the execution to stop.
	Flow, Name string
	// Next is when to try again, ms since 1970; 0: at once. Tries counts.
	Next  int64
	Tries int
}

// OutboxKind of an Outgoing.
type OutboxKind uint8

// The kinds; the numbers are part of the row format.
const (
	OutboxCallback OutboxKind = iota + 1
	OutboxStopChild
)

// scope is one running list of states: the flow's own, an option's, a branch's or an iteration's.
type scope struct {
	owner   *entry // the state that opened it; nil for the flow's own
	index   int    // of the option, branch or iteration
	input   *flow.Value
	local   *flow.Value // older language: what the finished states have put together
	last    int64       // event that led to what comes next
	entries int64       // states entered so far
	target  int         // state to enter when none is open
	cur     *entry
	ended   bool // finished or aborted; its owner has let it go
}

// phase of an entry. The numbers are part of the row format.
type phase uint8

const (
	entered    phase = iota + 1 // Entered is written, the input is to be built
	beginning                   // Started is written, the work is to begin (again)
	waiting                     // a timer runs: Wait
	calling                     // a task's attempt is open
	backingOff                  // a timer runs: pause before a retry
	spawning                    // scopes inside are open or to be opened
	finishing                   // the result is there
	failing                     // the error is there
	closed                      // gone
)

// entry is one open state: from Entered to its last event.
type entry struct {
	scope         *scope
	node          int
	id            int64 // event id of its Entered event
	startID       int64 // event id of its Started event
	ordinal       int64 // n-th state entered in its scope, from 1
	phase         phase
	last          int64 // last event of its body
	input         *flow.Value
	result        *flow.Value
	failure       *flow.Error
	permanent     bool  // the error goes past Retry (it would repeat itself)
	timeout       bool  // the error is a timeout
	due           int64 // of waiting and paused
	retriesByRule []int // retries by rule
	retries       int
	option        int // Choice: the option taken; len(Options) for the default

	attempt *attempt

	// Parallel, Map and the options of the older Choice.
	total       int
	cursor      int           // scopes opened so far
	pending     int           // results still to come
	running     []*scope      // open scopes
	results     []*flow.Value // results by index
	items       []any         // of a Map; made again when it is gone
	storedItems *flow.Value   // of a Map: the items, where they would not come out the same again
	blocks      []*flow.Value // full blocks of done, as stored; nil where a block is not full
}

// attemptPhase is where an attempt stands. The numbers are part of the row format.
type attemptPhase uint8

const (
	attemptReady attemptPhase = iota + 1
	attemptRunning
	attemptSubmitted // called and answered; a report is waited for
)

// attempt is one try of a task.
type attempt struct {
	id        int64 // event id of its TaskScheduled
	number    int   // from 0
	phase     attemptPhase
	started   bool        // TaskStarted is written
	submitted bool        // TaskSubmitted is written
	params    *flow.Value // nil without
	deadline  int64       // 0: none
	owner     uint64      // who calls
	until     int64       // until when the call is leased
	lostCalls int         // leases that have run out

	mode      flow.TaskMode
	http      bool   // the call is an HTTP request
	childFlow string // the execution that the attempt starts and waits for; "" when it does not
	child     string
}

// Final tells whether the execution has ended.
func (s *State) Final() bool { return s.Status.Final() }

// New makes the state of an execution that is about to start; the first Step writes its ExecutionStarted.
func New(f Facts) *State {
	return &State{Facts: f, Status: flow.Running, LastTime: f.Started}
}

// each calls f for every open entry, an outer one before those inside it.
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
