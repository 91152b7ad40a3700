package expr_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

// checkFailure checks an error: it belongs to this package, is readable, and points into the text.
func checkFailure(t *testing.T, src string, err error) {
	t.Helper()
	e, ok := err.(*expr.Error)
	if !ok || e.Reason == "" || e.Offset < 0 || e.Offset > len(src) {
		t.Errorf("%q: %#v", src, err)
	}
}

// checkValue checks a value: it is valid JSON unless it is nested too deep, and a second evaluation
// returns the same.
func checkValue(t *testing.T, e *expr.Expr, w func() *fakeEnv, b expr.Budget) {
	t.Helper()
	twin := b
	v, err := e.Eval(w(), &b)
	again, errAgain := e.Eval(w(), &twin)
	if (err == nil) != (errAgain == nil) || b.Nodes != twin.Nodes || b.Bytes != twin.Bytes {
		t.Fatalf("%q: %v with %+v left, then %v with %+v", e, err, b, errAgain, twin)
	}
	if err != nil {
		checkFailure(t, e.String(), err)
		return
	}
	if _, absent := v.(expr.Absent); absent {
		return
	}
	size, err := value.Measure(v, 1<<20)
	if err != nil || size > 1<<20 {
		return
	}
	encoded := value.Encode(v)
	if size != len(encoded) || string(encoded) != text(again) {
		t.Fatalf("%q: %s, then %s; measured %d", e, encoded, text(again), size)
	}
	if back, err := value.Decode(encoded); err != nil || text(back) != string(encoded) {
		t.Fatalf("%q: %s does not decode to itself: %v", e, encoded, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range stateMachineCases {
		f.Add(c.src)
	}
	for _, c := range failingCases {
		f.Add(c.src)
	}
	for _, c := range refusedCases {
		f.Add(c.src)
	}
	in := stateMachineEnv(f)
	f.Fuzz(func(t *testing.T, src string) {
		e, parseErr := expr.Parse(src, stateMachineRoots)
		if parseErr != nil {
			checkFailure(t, src, parseErr)
			return
		}
		if e.String() != src || e.Roots()&^stateMachineRoots != 0 {
			t.Errorf("%q: %q, %b", src, e, e.Roots())
		}
		b := expr.Budget{Nodes: 10_000, Bytes: 1 << 18}
		checkValue(t, e, func() *fakeEnv { return &fakeEnv{roots: in.roots} }, b)
	})
}

func FuzzParseCondition(f *testing.F) {
	for _, row := range table(f, "conditions.json")["conditions"].([]any) {
		f.Add(row.(map[string]any)["expr"].(string))
	}
	f.Add("$.a[*].b['x'] in [1, `y`] || !-$.f")
	in := table(f, "conditions.json")["input"]
	f.Fuzz(func(t *testing.T, src string) {
		e, parseErr := expr.ParseCondition(src)
		if parseErr != nil {
			checkFailure(t, src, parseErr)
			return
		}
		w := func() *fakeEnv { return &fakeEnv{roots: map[expr.Root]any{expr.Default: in}} }
		b := expr.Budget{Nodes: 10_000, Bytes: 1 << 18}
		checkValue(t, e, w, b)
		if _, err := e.Condition(w(), &b); err != nil &&
			!strings.Contains(err.Error(), "too much work") {
			t.Errorf("%q: %v", src, err) // conditions of FlowV1 do not fail
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, row := range table(f, "sources.json")["sources"].([]any) {
		if src, ok := row.(map[string]any)["source"].(string); ok {
			f.Add(src)
		}
	}
	f.Add("$.recs[*][ \"id\" ]['x'][0].ä-b")
	in := table(f, "sources.json")["input"]
	f.Fuzz(func(t *testing.T, src string) {
		e, parseErr := expr.ParsePath(src, expr.Input|expr.Default)
		if parseErr != nil {
			checkFailure(t, src, parseErr)
			return
		}
		w := func() *fakeEnv {
			return &fakeEnv{roots: map[expr.Root]any{expr.Default: in,
				expr.Input: in}}
		}
		checkValue(t, e, w, expr.Budget{Nodes: 10_000, Bytes: 1 << 18})
	})
}
