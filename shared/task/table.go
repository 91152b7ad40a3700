package task

import (
	"context"
	"strings"
)

// Table is a Runner that hands each request to the runner of its action. It is immutable and safe for use by many
// goroutines.
type Table struct {
	runners  map[string]Runner
	fallback Runner
}

// NewTable returns the table of the runners, keyed by `Product:Operation`. Products are told apart without case,
// for the older language writes them in lower case (`fnf:StartExecution`); operations are exact. A `::` counts as
// `:`. What has no runner goes to fallback; a nil fallback answers Unsupported.
func NewTable(runners map[string]Runner, fallback Runner) *Table {
	t := &Table{runners: make(map[string]Runner, 2*len(runners)), fallback: fallback}
	if fallback == nil {
		t.fallback = RunnerFunc(func(_ context.Context, r Request) Result { return Unsupported(r) })
	}
	for action, runner := range runners {
		t.runners[NormalAction(action)] = runner
	}
	for action, runner := range runners {
		t.runners[action] = runner // spares the common spelling the normal form
	}
	return t
}

// Run carries out r, or answers with the error of an action without a runner.
func (t *Table) Run(ctx context.Context, r Request) Result {
	if runner, ok := t.runners[r.Action]; ok {
		return runner.Run(ctx, r)
	}
	if runner, ok := t.runners[NormalAction(r.Action)]; ok {
		return runner.Run(ctx, r)
	}
	return t.fallback.Run(ctx, r)
}

// NormalAction is the form of an action by which two spellings are compared: product in lower case, one colon.
func NormalAction(action string) string {
	product, operation, _ := strings.Cut(action, ":")
	return strings.ToLower(product) + ":" + strings.TrimPrefix(operation, ":")
}

// Unsupported is the result of an action that nothing carries out: `{Product}.ActionNotSupported` in the newer
// language, `{product}.UnsupportedOperation` in the older one. The cause says how to change that.
func Unsupported(r Request) Result {
	code := "ActionNotSupported"
	if r.FlowV1 {
		code = "UnsupportedOperation"
	}
	what := r.Action
	if r.Resource != "" {
		what += " (" + r.Resource + ")"
	}
	return r.Failf(code, "Nothing carries out %s here. Name what does in the file given with --functions FILE, "+
		"for example:\nactions:\n  - match: %s\n    http: http://127.0.0.1:9002", what, r.Action)
}
