package expr_test

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

// fakeEnv is an Env of fixed values. Its other roots are Absent.
type fakeEnv struct {
	roots map[expr.Root]any
	fails map[expr.Root]error
	draws uint64
}

func (w *fakeEnv) Root(r expr.Root) (any, error) {
	if err := w.fails[r]; err != nil {
		return nil, err
	}
	v, ok := w.roots[r]
	if !ok {
		return expr.Absent{}, nil
	}
	return v, nil
}

func (w *fakeEnv) Random() (draw [16]byte) {
	w.draws++
	binary.BigEndian.PutUint64(draw[8:], w.draws)
	return draw
}

// lazy is an Object that counts the calls of Value.
type lazy struct {
	members      map[string]any
	materialized int
	err          error
}

func (l *lazy) Member(name string) (any, bool, error) {
	v, ok := l.members[name]
	return v, ok, l.err
}

func (l *lazy) Value() (map[string]any, error) {
	l.materialized++
	return l.members, l.err
}

var errAway = errors.New("the value is not at hand")

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// table reads a file of testdata.
func table(t testing.TB, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, string(text)).(map[string]any)
}

// stateMachineRoots are the roots of the StateMachine tables.
const stateMachineRoots = expr.Input | expr.Context | expr.Global

func stateMachineEnv(t testing.TB) *fakeEnv {
	roots := table(t, "expressions.json")["roots"].(map[string]any)
	return &fakeEnv{roots: map[expr.Root]any{
		expr.Input: roots["$Input"], expr.Context: roots["$Context"], expr.Global: roots["$Global"],
	}}
}

// eval parses and evaluates a StateMachine expression. Either step may fail.
func eval(src string, w *fakeEnv) (any, error) {
	e, parseErr := expr.Parse(src, stateMachineRoots)
	if parseErr != nil {
		return nil, parseErr
	}
	b := expr.DefaultBudget()
	return e.Eval(w, &b)
}

func text(v any) string { return string(value.Encode(v)) }
