package interp

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// stateError is an error that Retry and Catch of a state can handle.
type stateError struct{ err flow.Error }

func (e stateError) Error() string { return e.err.Name + ": " + e.err.Cause }

// runtimeError returns an error that the engine finds while a state runs.
func (f *stepper) runtimeError(cause string) error {
	return stateError{flow.Error{Name: f.d.errors.runtime, Cause: truncateCause(cause)}}
}

// dataLimitError returns an error that fails the execution, because a data limit cannot be caught.
// The cause names the limit and not the size, because measuring stops at the limit.
func (f *stepper) dataLimitError(what string, limit int) error {
	return fatalError{flow.Error{Name: flow.ErrDataLimit,
		Cause: fmt.Sprintf("%s is longer than %d bytes", what, limit)}}
}

// asError converts the error of a transition to a flow error.
func (f *stepper) asError(err error) *flow.Error {
	switch err := err.(type) {
	case stateError:
		return &err.err
	case fatalError:
		return &err.err
	}
	return &flow.Error{Name: f.d.errors.runtime, Cause: err.Error()}
}

// withLocation adds the state and the field to the error of an expression.
func (f *stepper) withLocation(e *entry, site string, err error) error {
	failed, ok := err.(*expr.Error)
	if !ok {
		return err
	}
	where := site
	if e != nil {
		where = "state " + value.Quote(f.state(e).Name) + ", " + site
	}
	return stateError{flow.Error{Name: f.d.errors.runtime,
		Cause: truncateCause(where + ": " + err.Error() + f.catchHint(e, failed))}}
}

// catchHint explains why $Input lacks a member if its data are the error that a Catch has left.
func (f *stepper) catchHint(e *entry, err *expr.Error) string {
	if !f.d.catchReplaces || e == nil || !strings.HasPrefix(err.Reason, `"$Input" has no member`) {
		return ""
	}
	input := e.input
	if input == nil {
		input = e.scope.input
	}
	if !input.Loaded() || !f.leavesErrors() {
		return ""
	}
	data, _ := input.Tree().(map[string]any)
	_, code := data["Code"]
	if _, detail := data["Detail"]; len(data) != 2 || !code || !detail {
		return ""
	}
	return "; $Input is {Code, Detail}, because a Catch without OutputConstructor replaces the " +
		"data by the error"
}

// leavesErrors reports whether a Catch of the machine has no OutputConstructor.
func (f *stepper) leavesErrors() bool {
	for _, st := range f.m.Nodes {
		for i := range st.Catch {
			if st.Catch[i].Output == nil {
				return true
			}
		}
	}
	return false
}

// truncateError limits the name and the cause of an error to what a history event may hold. Errors
// enter an execution in three places, and each truncates them: messages (handle), failures of
// states (fail), and the end of the execution (end).
func truncateError(err *flow.Error) *flow.Error {
	if err == nil || fits(err.Name, flow.ErrorNameMax) && fits(err.Cause, flow.ErrorCauseMax) {
		return err
	}
	return &flow.Error{Name: value.Cut(err.Name, flow.ErrorNameMax),
		Cause: truncateCause(err.Cause)}
}

// fits reports whether value.Cut would leave the text unchanged. It may return false for a text
// that is long only in bytes.
func fits(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

// truncateCause limits a cause to what a history event may hold.
func truncateCause(s string) string { return value.Cut(s, flow.ErrorCauseMax) }

// needError says that values must be loaded first.
type needError struct{ values []*flow.Value }

func needValue(v *flow.Value) error { return needError{[]*flow.Value{v}} }

func (needError) Error() string { return "interp: a value is not loaded" }

// fatalError fails the execution because a limit was exceeded.
type fatalError struct{ err flow.Error }

func (e fatalError) Error() string { return e.err.Name + ": " + e.err.Cause }
