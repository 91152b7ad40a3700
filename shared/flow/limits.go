package flow

import "math"

// Limits are the limits of executions, requests and accounts. A zero field means its default; a
// configuration may raise or lower each.
type Limits struct {
	Events            int   // history events of an execution
	EventBytes        int   // input, output or local data of a StateMachine state
	EventBytesV1      int   // input, output or local data of a FlowV1 step
	ResultBytes       int   // result of one state before its output is built
	GlobalBytes       int   // one global variable
	GlobalsBytes      int   // all global variables of an execution
	BodyBytes         int   // open states of an execution, as stored
	DefinitionBytes   int   // text of a definition
	RequestBytes      int   // one API request
	WaitSeconds       int64 // longest Wait of StateMachine
	WaitSecondsV1     int64 // longest wait of FlowV1
	WaitSecondsExpr   int64 // longest Wait of an Express flow
	MapConcurrency    int   // StateMachine: concurrent iterations if the flow sets no limit
	MapConcurrencyMax int   // StateMachine: maximum of concurrent iterations or child executions
	MapItems          int   // items of a distributed Map
	MapRuns           int   // open MapRuns of an execution
	ParallelBranches  int   // branches of a StateMachine Parallel
	BranchesV1        int   // branches of a FlowV1 parallel
	IterationsV1      int   // FlowV1: concurrent iterations
	TaskSeconds       int64 // longest Timeout of a Task
	ExecutionSeconds  int64 // longest Standard execution
	ExpressSeconds    int64 // longest Express execution
	Flows             int   // flows of an account
	Schedules         int   // schedules of a flow
	Executions        int   // running executions of an account; the local server enforces it
	StrictPaths       bool  // FlowV1: a mapping source that selects nothing fails the step
	// Sequential runs branches and iterations one after the other. Only the flow tester sets it.
	Sequential bool
}

// DefaultLimits returns CloudFlow's limits (docs/statemachine.md#limits, docs/flowv1.md#limits,
// docs/configuration.md#limits).
func DefaultLimits() Limits {
	return Limits{
		Events: 5000, EventBytes: 64 << 10, EventBytesV1: 32 << 10, ResultBytes: 1 << 20,
		GlobalBytes: 256 << 10, GlobalsBytes: 1 << 20, BodyBytes: 4 << 20,
		DefinitionBytes: 256 << 10, RequestBytes: 1 << 20,
		WaitSeconds: 300, WaitSecondsV1: 172800, WaitSecondsExpr: 20,
		MapConcurrency: 40, MapConcurrencyMax: 100, MapItems: 10_000, MapRuns: 10,
		ParallelBranches: 50, BranchesV1: 100,
		IterationsV1: 100,
		TaskSeconds:  604800, ExecutionSeconds: 31536000, ExpressSeconds: 300,
		Flows: 10000, Schedules: 100, Executions: 10000,
	}
}

// Data returns the byte limit of a state's data in a dialect.
func (l *Limits) Data(dialect Dialect) int {
	return dialect.traits().dataMax(l)
}

// DataRange returns the lowest and the highest byte limit of a state's data in any dialect.
func (l *Limits) DataRange() (lowest, highest int) {
	lowest = math.MaxInt
	for d := 1; d < len(dialects); d++ {
		n := l.Data(Dialect(d))
		lowest, highest = min(lowest, n), max(highest, n)
	}
	return lowest, highest
}
