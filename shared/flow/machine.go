// Package flow is the vocabulary of the engine: the compiled Machine of a definition, the values and history
// events of an execution, statuses, names, tokens and limits. It depends on nothing that does I/O.
package flow

import "millrace/shared/expr"

// Language tells which of the two definition languages a machine was written in. The interpreter asks it only
// where the languages differ in what a state sees and what the history calls things.
type Language uint8

// The languages.
const (
	FlowV1       Language = iota + 1 // `type: flow`, the older one
	StateMachine                     // `Type: StateMachine`
)

// Mode of a flow: Standard executions are durable, Express ones run in memory and answer at once.
const (
	Standard = "Standard"
	Express  = "Express"
)

// Machine is a compiled definition. It is immutable and safe for many goroutines.
type Machine struct {
	Language       Language
	Name           string         // the name in the definition, "" when the older language gives none
	TimeoutSeconds int64          // 0: the mode's longest run
	Input          *expr.Template // inputMappings of a flow of the older language; nil without
	Output         *expr.Template // outputMappings of a flow of the older language; nil without
	Root           *Scope
	Nodes          []*State // every state, by its node number: the order of the definition's text
}

// End as a target means: this scope is finished. Follow means: take the state's own Next.
const (
	End       = -1
	StateNext = -2
)

// Scope is a list of states; targets inside it are indexes into States.
type Scope struct {
	States []*State
	Start  int // index of the first state; End for an empty list of the older language
}

// Kind of a state.
type Kind uint8

// The kinds, of both languages.
const (
	Pass Kind = iota + 1
	Wait
	Succeed
	Fail
	Choice
	Parallel
	Map // foreach in the older language
	Task
)

// String gives the kind's name in the newer language.
func (k Kind) String() string {
	return [...]string{"", "Pass", "Wait", "Succeed", "Fail", "Choice", "Parallel", "Map", "Task"}[k]
}

// State is one node of a machine. Exactly one of the pointers is set for the kinds that have one.
type State struct {
	Node   int // index in Machine.Nodes
	Name   string
	Kind   Kind
	Line   int            // line of the definition, from 1
	Input  *expr.Template // InputConstructor or inputMappings; nil without
	Output *expr.Template // OutputConstructor or outputMappings; nil without
	Global *expr.Template // GlobalConstructor; nil without
	Next   int            // index in the scope, or End

	Wait     *WaitSpec
	Fail     *FailSpec
	Choice   *ChoiceSpec
	Parallel []*Scope // the branches
	Map      *MapSpec
	Task     *TaskSpec
	Retry    []Retry
	Catch    []Catch
}

// WaitSpec is how long a Wait lasts: Seconds (a number, or in the older language a numeric string) or, in the
// older language, Until (an RFC 3339 text). Exactly one is set.
type WaitSpec struct {
	Seconds *expr.Template
	Until   *expr.Template
}

// FailSpec is the error of a Fail state: both give texts; nil gives the language's default.
type FailSpec struct {
	Code   *expr.Template
	Detail *expr.Template
}

// ChoiceSpec is the options in order; the first whose condition is true is taken, else Default.
type ChoiceSpec struct {
	Options []Option
	Default Option // Condition nil. Older language without default: Scope nil and Next Follow
}

// Option is one way out of a Choice. In the older language its Scope, when there is one, runs before Next.
type Option struct {
	Condition *expr.Expr
	Scope     *Scope
	Next      int // index in the scope of the Choice, End, or Follow
}

// MapSpec is a loop over an array.
type MapSpec struct {
	Items       *expr.Expr // gives the array
	Item        string     // older language: key of the item in the iteration's input
	Index       string     // older language: key of the position, "" without
	Concurrency int        // 0: the limit's default
	Processor   *Scope
	Distributed bool // each iteration would be an execution of its own: not run yet
}

// TaskMode is when a task counts as done.
type TaskMode uint8

// The modes: the call's answer is the result; the job it started reports its end; somebody reports by token.
const (
	RequestComplete       TaskMode = iota // requestResponse
	WaitForSystemCallback                 // sync
	WaitForCustomCallback                 // waitForCallback
)

// Patterns are the older language's names of the modes.
var Patterns = [...]string{"requestResponse", "sync", "waitForCallback"}

// TaskSpec is the work of a Task state.
type TaskSpec struct {
	Action      string // `Product:Operation`; for resources of the older language FC:InvokeFunction, FNF:StartExecution, MNS:SendMessage
	Resource    string // older language: the resourceArn as written, "" for an action
	Mode        TaskMode
	Pattern     string         // older language: the pattern as written, for the history
	Parameters  *expr.Template // Parameters, or serviceParams; nil without
	Timeout     *expr.Template // seconds, a number or numeric string; nil: never
	ErrorOutput *expr.Template // older language: errorMappings; nil without
}

// ErrorAll in a rule's Errors matches every error.
const ErrorAll = "FnF.ALL"

// Retry is one rule. Delay before retry n is min(Interval × Rate^(n-1), IntervalMax) seconds.
type Retry struct {
	Errors      []string
	AttemptsMax int // retries, the first call not counted
	Interval    int64
	Rate        float64
	IntervalMax int64
}

// Catch is one rule. Output builds the target's input (newer language; nil: the error object).
type Catch struct {
	Errors []string
	Output *expr.Template
	Next   int
}
