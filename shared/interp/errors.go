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

// runtime is an error that the engine finds while a state runs.
func (f *fold) runtime(cause string) error {
	return stateError{flow.Error{Name: f.runtimeName(), Cause: cut(cause)}}
}

func (f *fold) runtimeName() string {
	if f.m.Language == flow.Steps {
		return flow.ErrRuntime
	}
	return flow.ErrExpression
}

// tooLarge fails the execution: a data limit cannot be caught. The cause names the limit and not the size, since
// what is too large is not always measured to its end.
func (f *fold) tooLarge(what string, most int) error {
	return fatalError{flow.Error{Name: flow.ErrDataLimit, Cause: fmt.Sprintf("%s is longer than %d bytes", what, most)}}
}

// asError gives the flow error of a transition's error.
func (f *fold) asError(err error) *flow.Error {
	switch err := err.(type) {
	case stateError:
		return &err.err
	case fatalError:
		return &err.err
	}
	return &flow.Error{Name: f.runtimeName(), Cause: err.Error()}
}

// located says in which state and field an expression failed.
func (f *fold) located(e *entry, site string, err error) error {
	if _, ok := err.(*expr.Error); !ok {
		return err
	}
	where := site
	if e != nil {
		where = "state " + value.Quote(f.state(e).Name) + ", " + site
	}
	return stateError{flow.Error{Name: f.runtimeName(), Cause: cut(where + ": " + err.Error())}}
}

// bounded is an error whose name and cause a history may hold. Errors enter an execution in three
// places, and each cuts them: what comes from outside (news), what a state fails with (fail), what
// an execution ends with (end).
func bounded(err *flow.Error) *flow.Error {
	if err == nil || fits(err.Name, flow.NameMax) && fits(err.Cause, flow.CauseMax) {
		return err
	}
	return &flow.Error{Name: value.Cut(err.Name, flow.NameMax), Cause: cut(err.Cause)}
}

// fits reports whether value.Cut would leave a text as it is; false for one that is only long in
// bytes.
func fits(s string, most int) bool { return len(s) <= most && utf8.ValidString(s) }

// cut keeps a cause within what a history holds.
func cut(s string) string { return value.Cut(s, flow.CauseMax) }

// needError says that values must be loaded first.
type needError struct{ values []*flow.Value }

func missing(v *flow.Value) error { return needError{[]*flow.Value{v}} }

func (needError) Error() string { return "interp: a value is not loaded" }

// fatalError says that a limit was hit which fails the execution.
type fatalError struct{ err flow.Error }

func (e fatalError) Error() string { return e.err.Name + ": " + e.err.Cause }
