package interp

import (
	"fmt"
	"unicode/utf8"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// stateError is an error of a state that its Retry and Catch may deal with.
type stateError struct{ err flow.Error }

func (e stateError) Error() string { return e.err.Name + ": " + e.err.Cause }

// runtimeError is an error that the engine finds while a state runs.
func (f *stepper) runtimeError(cause string) error {
	return stateError{flow.Error{Name: f.runtimeErrorName(), Cause: truncateCause(cause)}}
}

func (f *stepper) runtimeErrorName() string {
	if f.m.Language == flow.FlowV1 {
		return flow.ErrRuntime
	}
	return flow.ErrExpression
}

// dataLimitError fails the execution: a data limit cannot be caught. The cause names the limit and not the size, since
// what is too large is not always measured to its end.
func (f *stepper) dataLimitError(what string, most int) error {
	return fatalError{flow.Error{Name: flow.ErrDataLimit, Cause: fmt.Sprintf("%s is longer than %d bytes", what, most)}}
}

// asError gives the flow error of a transition's error.
func (f *stepper) asError(err error) *flow.Error {
	switch err := err.(type) {
	case stateError:
		return &err.err
	case fatalError:
		return &err.err
	}
	return &flow.Error{Name: f.runtimeErrorName(), Cause: err.Error()}
}

// withLocation says in which state and field an expression failed.
func (f *stepper) withLocation(e *entry, site string, err error) error {
	if _, ok := err.(*expr.Error); !ok {
		return err
	}
	where := site
	if e != nil {
		where = "state " + value.Quote(f.state(e).Name) + ", " + site
	}
	return stateError{flow.Error{Name: f.runtimeErrorName(), Cause: truncateCause(where + ": " + err.Error())}}
}

// truncateError is an error whose name and cause a history may hold. Errors enter an execution in three
// places, and each cuts them: what comes from outside (news), what a state fails with (fail), what
// an execution ends with (end).
func truncateError(err *flow.Error) *flow.Error {
	if err == nil || fits(err.Name, flow.ErrorNameMax) && fits(err.Cause, flow.ErrorCauseMax) {
		return err
	}
	return &flow.Error{Name: value.Cut(err.Name, flow.ErrorNameMax), Cause: truncateCause(err.Cause)}
}

// fits reports whether value.Cut would leave a text as it is; false for one that is only long in
// bytes.
func fits(s string, most int) bool { return len(s) <= most && utf8.ValidString(s) }

// truncateCause keeps a cause within what a history holds.
func truncateCause(s string) string { return value.Cut(s, flow.ErrorCauseMax) }

// needError says that values must be loaded first.
type needError struct{ values []*flow.Value }

func needValue(v *flow.Value) error { return needError{[]*flow.Value{v}} }

func (needError) Error() string { return "interp: a value is not loaded" }

// fatalError says that a limit was hit which fails the execution.
type fatalError struct{ err flow.Error }

func (e fatalError) Error() string { return e.err.Name + ": " + e.err.Cause }
