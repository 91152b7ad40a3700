package flow

// Limits are CloudFlow's limits of one execution. The zero value of a field means its default; a configuration
// may raise (or lower) each.
type Limits struct {
	Events            int   // history events of an execution
	EventBytes        int   // input, output, local data of a state of the newer language
	EventBytesV1      int   // the same for the older language
	ResultBytes       int   // raw result of one state before its output is built
	GlobalBytes       int   // one global variable
	GlobalsBytes      int   // all global variables of an execution
	BodyBytes         int   // the open states of an execution, as stored
	DefinitionBytes   int   // text of a definition
	RequestBytes      int   // one API request
	WaitSeconds       int64 // a Wait of the newer language
	WaitSecondsV1     int64 // a wait of the older language
	WaitSecondsExpr   int64 // a Wait of an Express flow
	MapConcurrency    int   // iterations at once when the flow does not say, newer language
	MapConcurrencyMax int   // iterations at once, whatever the flow says
	ParallelBranches  int   // branches of a Parallel, newer language
	BranchesV1        int   // branches of a parallel, older language
	IterationsV1      int   // iterations at once, older language
	TaskSeconds       int64 // longest Timeout of a Task
	ExecutionSeconds  int64 // longest run, Standard
	ExpressSeconds    int64 // longest run, Express
	Flows             int   // flows of an account
	Executions        int   // running executions of an account; enforced by the local server
	StrictPaths       bool  // older language: a mapping source that selects nothing fails the step
	Sequential        bool  // branches and iterations one after the other; only the flow tester sets it
}

// DefaultLimits are CloudFlow's own (fdl-statemachine.md 14, fdl-flow.md 11, api.md 7.3).
func DefaultLimits() Limits {
	return Limits{
		Events: 5000, EventBytes: 64 << 10, EventBytesV1: 32 << 10, ResultBytes: 1 << 20,
		GlobalBytes: 256 << 10, GlobalsBytes: 1 << 20, BodyBytes: 4 << 20,
		DefinitionBytes: 256 << 10, RequestBytes: 1 << 20,
		WaitSeconds: 300, WaitSecondsV1: 172800, WaitSecondsExpr: 20,
		MapConcurrency: 40, MapConcurrencyMax: 100, ParallelBranches: 50, BranchesV1: 100, IterationsV1: 100,
		TaskSeconds: 604800, ExecutionSeconds: 31536000, ExpressSeconds: 300,
		Flows: 10000, Executions: 10000,
	}
}

// Data is the byte limit of a state's data in a language.
func (l *Limits) Data(lang Language) int {
	if lang == FlowV1 {
		return l.EventBytesV1
	}
	return l.EventBytes
}
