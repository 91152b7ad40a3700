// Package flow defines the terms of the engine: the compiled Machine of a definition, the values
// and history events of an execution, statuses, names, tokens and limits. It does not depend on
// anything that does I/O.
package flow

import "millrace/shared/expr"

// The modes of a flow. Standard executions are durable. Express executions run in memory and return
// their result in the response.
const (
	Standard = "Standard"
	Express  = "Express"
)

// Machine is a compiled definition. It is immutable, so any number of goroutines may use it.
type Machine struct {
	Dialect        Dialect
	Name           string         // the name in the definition; may be "" in FlowV1
	TimeoutSeconds int64          // 0: the maximum of the mode
	Input          *expr.Template // FlowV1: inputMappings of the flow; nil if there are none
	Output         *expr.Template // FlowV1: outputMappings of the flow; nil if there are none
	Root           *Scope
	// Nodes are all states by node number, which is their order in the text of the definition.
	Nodes []*State
}

// Special targets. End finishes the scope. StateNext continues with the Next of the state.
const (
	End       = -1
	StateNext = -2
)

// Scope is a list of states. Targets inside it are indexes into States.
type Scope struct {
	States []*State
	Start  int // index of the first state; End for an empty FlowV1 list
}

// Kind is the kind of a state.
type Kind uint8

// The kinds of both dialects.
const (
	Pass Kind = iota + 1
	Wait
	Succeed
	Fail
	Choice
	Parallel
	Map // foreach in FlowV1
	Task
)

// String returns the kind's name in StateMachine.
func (k Kind) String() string {
	return [...]string{"", "Pass", "Wait", "Succeed", "Fail", "Choice", "Parallel", "Map",
		"Task"}[k]
}

// State is one node of a machine. The kinds that have a pointer field have exactly one of them set.
type State struct {
	Node   int // index in Machine.Nodes
	Name   string
	Kind   Kind
	Line   int            // line of the definition, from 1
	Input  *expr.Template // InputConstructor or inputMappings; nil if there are none
	Output *expr.Template // OutputConstructor or outputMappings; nil if there are none
	Global *expr.Template // GlobalConstructor; nil if there is none
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

// WaitSpec is the duration or the end of a Wait. Exactly one field is set: Seconds (a number, or in
// FlowV1 also a numeric string), or in FlowV1 Until (an RFC 3339 time).
type WaitSpec struct {
	Seconds *expr.Template
	Until   *expr.Template
}

// FailSpec is the error of a Fail state. Both templates build strings; nil means the default of the
// dialect.
type FailSpec struct {
	Code   *expr.Template
	Detail *expr.Template
}

// ChoiceSpec holds the options in order. The first option whose condition is true is chosen,
// otherwise Default.
type ChoiceSpec struct {
	Options []Option
	Default Option // no Condition; in FlowV1 without a default: no Scope, and Next is StateNext
}

// Option is one option of a Choice. In FlowV1 it may have a Scope, which runs before Next.
type Option struct {
	Condition *expr.Expr
	Scope     *Scope
	Next      int // index in the scope of the Choice, End, or StateNext
}

// MapSpec is a loop over an array.
type MapSpec struct {
	Items       *expr.Expr // builds the array; nil with an ItemReader
	Item        string     // FlowV1: key of the item in the iteration's input
	Index       string     // FlowV1: key of the index in the iteration's input; "" if there is none
	Concurrency int        // 0: the default limit
	Processor   *Scope
	Distributed *Distribution // nil: the iterations belong to the same execution
}

// Distribution says how a Map hands its items to child executions. Each number builds an integer;
// nil means that it is not given.
type Distribution struct {
	Mode                string         // of the child executions: Standard or Express
	Reader              *ReaderSpec    // ItemReader; nil: the items are those of MapSpec.Items
	Writer              *WriterSpec    // ResultWriter; nil: the results are those of the state
	Item                *expr.Template // ItemConstructor; nil: the item itself
	Batch               *BatchSpec     // nil: each item has a child execution of its own
	ItemsMax            *expr.Template // MaxItems
	ToleratedCount      *expr.Template // ToleratedFailureCount
	ToleratedPercentage *expr.Template // ToleratedFailurePercentage, from 0 to 100
}

// ReaderSpec says from which objects the items of a distributed Map are read.
type ReaderSpec struct {
	Parameters *expr.Template // builds an object with ReaderParameters
	Config     map[string]any // members of ReaderConfig that say what the object holds
	ItemsMax   *expr.Template // ReaderConfig.MaxItems; nil: not given
}

// ReaderParameters are the members that Parameters of an ItemReader may have.
var ReaderParameters = [...]string{"Bucket", "Key", "Prefix", "Region"}

// WriterSpec says to which objects the results of a distributed Map are written.
type WriterSpec struct {
	Parameters *expr.Template // builds an object with WriterParameters
}

// WriterParameters are the members that Parameters of a ResultWriter may have.
var WriterParameters = [...]string{"Bucket", "Prefix", "Region"}

// BatchSpec groups the items of a distributed Map. At least one of its limits is given.
type BatchSpec struct {
	ItemsMax *expr.Template // items of a batch
	BytesMax *expr.Template // bytes of a batch's input
	Input    *expr.Template // BatchInput; nil if there is none
}

// Child returns the machine of the child executions of the distributed Map with a node number, or
// nil if no such Map has it. Nodes keep their numbers.
func (m *Machine) Child(node int) *Machine {
	if node < 0 || node >= len(m.Nodes) {
		return nil
	}
	spec := m.Nodes[node].Map
	if spec == nil || spec.Distributed == nil {
		return nil
	}
	return &Machine{Dialect: m.Dialect, Name: m.Name, Root: spec.Processor, Nodes: m.Nodes}
}

// TaskMode says when a task counts as done.
type TaskMode uint8

// The task modes. The task is done when the call returns, when the job that the call started ends,
// or when a caller reports its end by token.
const (
	RequestComplete       TaskMode = iota // requestResponse
	WaitForSystemCallback                 // sync
	WaitForCustomCallback                 // waitForCallback
)

// Patterns are the names of the modes in FlowV1.
var Patterns = [...]string{"requestResponse", "sync", "waitForCallback"}

// TaskSpec is the action of a Task state.
type TaskSpec struct {
	// Action is `Product:Operation`. For FlowV1 resources it is FC:InvokeFunction,
	// FNF:StartExecution or MNS:SendMessage.
	Action      string
	Resource    string // FlowV1: the resourceArn as written; "" for an action
	Mode        TaskMode
	Pattern     string         // FlowV1: the pattern as written, for the history
	Parameters  *expr.Template // Parameters or serviceParams; nil if there are none
	Timeout     *expr.Template // seconds, as a number or a numeric string; nil: no timeout
	ErrorOutput *expr.Template // FlowV1: errorMappings; nil if there are none
}

// ErrorAll matches every error in the Errors of a rule.
const ErrorAll = "FnF.ALL"

// Retry is one rule. The delay before retry n is min(Interval × Rate^(n-1), IntervalMax) seconds.
type Retry struct {
	Errors      []string
	AttemptsMax int // number of retries, without the first attempt
	Interval    int64
	Rate        float64
	IntervalMax int64
}

// Catch is one rule. In StateMachine, Output builds the target's input; nil means the error object.
type Catch struct {
	Errors []string
	Output *expr.Template
	Next   int
}
