package interp

import "millrace/shared/flow"

// dialect is all that differs between the dialects of definitions. Everything else is the same:
// scopes, entries, attempts, retries, fan-out and timers. Each dialect is one value in a file of
// its own. A step looks its dialect up once, by number; nothing else looks at the number.
type dialect struct {
	data   dataFlow
	events eventTypes
	errors errorNames
	wait   waitRule

	// concurrency returns the maximum number of open iterations of a Map.
	concurrency func(l *flow.Limits, m *flow.MapSpec) int
	// entryTokens: a task token names the entry of a task, so it outlives an attempt. Otherwise it
	// names one attempt.
	entryTokens bool
	// catchReplaces: a Catch without an Output leaves its error as the only data.
	catchReplaces bool
	// omitAbsent: a path that selects nothing leaves its parameter out.
	omitAbsent bool
}

// dataFlow builds the input of a state, and its output from its result. A method must not use the
// machine where its comment says so, because an acceptor has none.
type dataFlow interface {
	// openScope sets the data of a new scope that has its input.
	openScope(sc *scope)
	// current returns the data with which a scope goes on, and at its end its result.
	current(sc *scope) *flow.Value
	// goOn sets the data with which a scope goes on.
	goOn(sc *scope, data *flow.Value)

	// defaultInput returns the input of a state without an InputConstructor.
	defaultInput(f *stepper, sc *scope) (*flow.Value, error)
	// iterationInput returns the input of the next iteration of a Map, as a tree.
	iterationInput(f *stepper, e *entry, m *flow.MapSpec, item any) (any, error)
	// context returns the root that describes the execution and its state: $Context or $context.
	context(v *env) any
	// scheduled returns the value that the TaskScheduled event of an attempt shows.
	scheduled(e *entry, a *attempt) *flow.Value

	// passed returns the result of a state that does no work. It must not use the machine.
	passed(e *entry) *flow.Value
	// joined returns the result of a Parallel or a Map from the results of its scopes, which are
	// loaded.
	joined(kind flow.Kind, results []*flow.Value) *flow.Value
	// joinedDepth returns the number of levels that joined adds around each result.
	joinedDepth(kind flow.Kind) int

	// leave returns what a state leaves behind that has its result. It changes nothing.
	leave(f *stepper, e *entry, st *flow.State) (departure, error)
	// caught returns the data for the target of a Catch.
	caught(f *stepper, e *entry, st *flow.State, c *flow.Catch) (*flow.Value, error)
	// executionOutput returns the output of an execution whose root scope has ended.
	executionOutput(f *stepper, root *scope) (*flow.Value, error)
}

// departure is what a state leaves behind.
type departure struct {
	output  *flow.Value            // for the event that says that the state has succeeded
	data    *flow.Value            // with which the scope goes on
	globals map[string]*flow.Value // global variables that the state sets
}

// eventTypes are the types of the history events of states; 0 for an event that the dialect does
// not have. Executions and tasks have the same events in all dialects.
type eventTypes struct {
	entered, started, succeeded flow.EventType
	failed, timedOut            flow.EventType
	exited                      flow.EventType // follows succeeded, and failed if a Catch applies
	aborted                     flow.EventType

	// A scope inside a state begins and ends with these.
	scopeEntered, scopeExited [flow.Task + 1]flow.EventType
}

// leaving returns the number of events with which a state is left that has succeeded, or whose
// error was caught.
func (t *eventTypes) leaving() int {
	if t.exited != 0 {
		return 2
	}
	return 1
}

// errorNames are the names of the errors that the interpreter raises and the dialects name
// differently.
type errorNames struct {
	runtime       string // an error that the engine finds while a state runs
	fail          string // a Fail state without a Code
	childTimedOut string // a task whose child execution has timed out

	// match reports whether a name in the Errors of a rule stands for the name of an error.
	match func(rule, name string) bool
}

// waitRule says which durations a Wait state may have.
type waitRule struct {
	min int64 // s
	// max returns the maximum, s.
	max   func(l *flow.Limits, express bool) int64
	texts bool // a number may be a text
}

// dialects are the dialects by their numbers. Number 0 is that of a State that is made only to
// check a token.
var dialects = [...]*dialect{
	0: &stateMachine, flow.FlowV1: &flowV1, flow.StateMachine: &stateMachine,
}

// ChildTimedOut returns the error of a task of the dialect whose child execution has timed out:
// err, the error of the child, by the name that the dialect has for it.
func ChildTimedOut(d flow.Dialect, err *flow.Error) *flow.Error {
	return &flow.Error{Name: dialectOf(d).errors.childTimedOut, Cause: err.Cause}
}

// EntryTokens reports whether a task token of the dialect names the entry of a task, so that it is
// also the token of the attempts that follow.
func EntryTokens(d flow.Dialect) bool { return dialectOf(d).entryTokens }

// dialectOf returns the dialect with a number. Only a damaged row has a number that no dialect has.
func dialectOf(number flow.Dialect) *dialect {
	if int(number) >= len(dialects) {
		number = 0
	}
	return dialects[number]
}
