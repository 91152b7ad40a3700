package dispatch

import (
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/task"
	"millrace/shared/value"
)

// ReleaseOf returns the function that releases the bytes of a result. It is never nil.
func ReleaseOf(result *task.Result) func() {
	if result.Release == nil {
		return func() {}
	}
	return result.Release
}

// Completed returns the message for a result.
func Completed(attempt int64, result task.Result) interp.Message {
	n := interp.Message{Kind: interp.CallCompleted, Attempt: attempt, Async: result.Async}
	if result.Error != nil {
		n.Error = boundedError(result.Error.Name, result.Error.Cause)
		return n
	}
	if len(result.Output) == 0 {
		n.Output = []byte("{}")
		return n
	}
	if result.Tree != nil {
		n.Output, n.Tree = result.Output, result.Tree
		return n
	}
	tree, err := value.Decode(result.Output)
	if err != nil {
		n.Error = &flow.Error{Name: flow.ErrInvalidLocal,
			Cause: fmt.Sprintf("the result is no JSON: %v", err)}
		return n
	}
	n.Output, n.Tree = value.Append(make([]byte, 0, len(result.Output)), tree), tree
	return n
}

// boundedError returns an error with name and cause cut to the limits of reports.
func boundedError(name, cause string) *flow.Error {
	if name == "" {
		name = "FC.Unknown"
	}
	return &flow.Error{
		Name: value.Cut(name, flow.ErrorNameMax), Cause: value.Cut(cause, flow.ErrorCauseMax)}
}
