package flow

// Status is the status of an execution (docs/api.md#an-execution).
type Status uint8

// The statuses. The last four are final and never change.
const (
	Starting Status = iota
	Running
	Stopped
	Succeeded
	Failed
	TimedOut
)

var statusNames = [...]string{"Starting", "Running", "Stopped", "Succeeded", "Failed", "TimedOut"}

// String returns the name on the wire.
func (s Status) String() string { return statusNames[s] }

// Final reports whether the execution has ended.
func (s Status) Final() bool { return s >= Stopped }

// ParseStatus parses the name on the wire. It returns false for any other text.
func ParseStatus(s string) (Status, bool) {
	for i, n := range statusNames {
		if n == s {
			return Status(i), true
		}
	}
	return 0, false
}

// Error is the error of a task, a state or an execution.
type Error struct {
	Name  string
	Cause string
}

// Names of the errors that the engine itself raises (docs/statemachine.md#names,
// docs/flowv1.md#error-names).
const (
	ErrTaskTimeout        = "FnF.TaskTimeout"
	ErrFail               = "FnF.Fail"
	ErrExpression         = "FnF.ExpressionError"
	ErrDataLimit          = "FnF.DataLimitExceeded"
	ErrEventLimit         = "FnF.EventLimitExceeded"
	ErrExecutionTimedOut  = "FnF.ExecutionTimedOut"
	ErrExecutionStopped   = "FnF.ExecutionStopped"
	ErrExecutionFailed    = "FnF.ExecutionFailed"
	ErrInvalidLocal       = "FnF.InvalidLocal"
	ErrRuntime            = "FnF.RuntimeError"
	ErrMapRunFailed       = "FnF.MapRunFailed"
	ErrItemReader         = "FnF.ItemReaderFailed"
	ErrResultWriter       = "FnF.ResultWriterFailed"
	ErrMapRunNotSupported = "FnF.ActionNotSupported"
)

// ErrorNameMax and ErrorCauseMax bound the texts of an error, in characters
// (docs/api.md#stopexecution).
const (
	ErrorNameMax  = 128
	ErrorCauseMax = 4096
)
