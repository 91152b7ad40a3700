package task

import (
	"context"
	"strings"
)

// Table is a Runner that passes each request to the runner of its action. It is immutable and safe
// for use by many goroutines.
type Table struct {
	runners  map[string]Runner
	fallback Runner
}

// NewTable returns the table of the runners, keyed by `Product:Operation`. Products are compared
// without case, because FlowV1 writes them in lower case (`fnf:StartExecution`). Operations are
// exact. `::` counts as `:`. An action without a runner goes to fallback; if fallback is nil, the
// result is Unsupported.
func NewTable(runners map[string]Runner, fallback Runner) *Table {
	t := &Table{runners: make(map[string]Runner, 2*len(runners)), fallback: fallback}
	if fallback == nil {
		t.fallback = RunnerFunc(func(_ context.Context, r Request) Result { return Unsupported(r) })
	}
	for action, runner := range runners {
		t.runners[NormalAction(action)] = runner
	}
	for action, runner := range runners {
		t.runners[action] = runner // requests with the common spelling need no NormalAction
	}
	return t
}

// Run carries out r. If the action has no runner, it returns the result of the fallback.
func (t *Table) Run(ctx context.Context, r Request) Result {
	if runner, ok := t.runners[r.Action]; ok {
		return runner.Run(ctx, r)
	}
	if runner, ok := t.runners[NormalAction(r.Action)]; ok {
		return runner.Run(ctx, r)
	}
	return t.fallback.Run(ctx, r)
}

// NormalAction returns the form in which two spellings of an action are equal: product in lower
// case, one colon.
func NormalAction(action string) string {
	product, operation, _ := strings.Cut(action, ":")
	return strings.ToLower(product) + ":" + strings.TrimPrefix(operation, ":")
}

// Unsupported returns the result of an action that no runner carries out:
// `{Product}.ActionNotSupported` in StateMachine, `{product}.UnsupportedOperation` in FlowV1. The
// cause says how to add one.
func Unsupported(r Request) Result {
	what := r.Action
	if r.Resource != "" {
		what += " (" + r.Resource + ")"
	}
	return r.Failf(
		r.UnsupportedCode(),
		"Nothing carries out %s here. Name what does in the file given with --functions FILE, "+
			"for example:\nactions:\n  - match: %s\n    http: http://127.0.0.1:9002", what,
		r.Action)
}
