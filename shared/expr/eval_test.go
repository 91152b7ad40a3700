package expr_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/shared/expr"
)

func TestConditionWantsBoolean(t *testing.T) {
	for src, ok := range map[string]bool{`$Input.b`: true, `$Input.a`: false, `"true"`: false,
		`null`: false} {
		e, parseErr := expr.Parse(src, stateMachineRoots)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		b := expr.DefaultBudget()
		got, err := e.Condition(stateMachineEnv(t), &b)
		if got != ok || (err == nil) != ok {
			t.Errorf("%s: %v, %v", src, got, err)
		}
	}
}

func TestErrorText(t *testing.T) {
	e, _ := expr.Parse(`$Input.x`, stateMachineRoots)
	b := expr.DefaultBudget()
	_, err := e.Eval(stateMachineEnv(t), &b)
	if want := `"$Input" has no member "x" in "$Input.x"`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestEnvError: Eval returns an error of the Env unchanged, even one that looks like an error of
// this package.
func TestEnvError(t *testing.T) {
	for _, want := range []error{errAway, &expr.Error{Reason: "elsewhere"}} {
		w := stateMachineEnv(t)
		w.fails = map[expr.Root]error{expr.Input: want}
		for _, src := range []string{`$Input`, `$Input.a == 1`, `format("{}", $Input)`,
			`[{"a": $Input.x}]`, `!$Input.b`} {
			e, _ := expr.Parse(src, stateMachineRoots)
			b := expr.DefaultBudget()
			if _, err := e.Eval(w, &b); err != want {
				t.Errorf("%s: %v, want %v", src, err, want)
			}
			if _, err := e.Condition(w, &b); err != want {
				t.Errorf("condition %s: %v, want %v", src, err, want)
			}
			build := expr.ObjectOf([]expr.Field{{Name: "x",
				Value: expr.ArrayOf([]*expr.Template{expr.Dynamic(e)})}})
			if _, err := build.Build(w, &b); err != want {
				t.Errorf("template of %s: %v, want %v", src, err, want)
			}
		}
	}
	o := &lazy{err: errAway}
	for _, src := range []string{`$Context`, `$Context.a`, `length($Context)`} {
		_, err := eval(src, &fakeEnv{roots: map[expr.Root]any{expr.Context: o}})
		if !errors.Is(err, errAway) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestAbsentRoot(t *testing.T) {
	_, err := eval(`$Global.g`, &fakeEnv{})
	if _, ok := err.(*expr.Error); !ok {
		t.Errorf("%v", err)
	}
}

func TestObject(t *testing.T) {
	inner := &lazy{members: map[string]any{"Name": "S"}}
	outer := &lazy{members: map[string]any{"Current": inner, "n": nil}}
	w := &fakeEnv{roots: map[expr.Root]any{expr.Context: outer, expr.Input: inner}}
	cases := []struct {
		src, want string
		outer     int // number of calls of the outer object's Value
		inner     int
	}{
		{`$Context.Current.Name`, `"S"`, 0, 0},
		{`$Context["Current"]["Name"]`, `"S"`, 0, 0},
		{`$Context[format("Current")].Name == "S"`, `true`, 0, 0},
		{`$Context.n`, `null`, 0, 0},
		{`$Context.Current`, `{"Name":"S"}`, 0, 1},
		{`[$Context.Current]`, `[{"Name":"S"}]`, 0, 1},
		{`{"a": $Context.Current}`, `{"a":{"Name":"S"}}`, 0, 1},
		{`length($Context)`, `2`, 1, 0},
		{`"n" in $Context`, `true`, 1, 0},
		{`$Context.Current == {"Name": "S"}`, `true`, 0, 1},
		{`jsonToString($Context.Current)`, `"{\"Name\":\"S\"}"`, 0, 1},
		{`format("{}", $Context.Current)`, `"{\"Name\":\"S\"}"`, 0, 1},
	}
	for _, c := range cases {
		inner.materialized, outer.materialized = 0, 0
		got, err := eval(c.src, w)
		if err != nil || text(got) != c.want || outer.materialized != c.outer ||
			inner.materialized != c.inner {
			t.Errorf("%s = %v, %v, asked for the whole %d and %d times", c.src, got, err,
				outer.materialized, inner.materialized)
		}
	}
	if _, err := eval(`$Context.nothing`, w); err == nil {
		t.Error("no error for a member that an Object lacks")
	}
	if _, err := eval(`$Context[0]`, w); err == nil || !strings.Contains(err.Error(),
		"is an object") {
		t.Errorf("%v", err)
	}
	for src, want := range map[string]string{
		`$context.Current.Name`: `"S"`, `$context.Current`: `{"Name":"S"}`,
		`$context.Current[*]`: `["S"]`,
		`$input[*]`:           `["S"]`,
	} {
		e, parseErr := expr.ParsePath(src, expr.Context|expr.Input)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		b := expr.DefaultBudget()
		if got, err := e.Eval(w, &b); err != nil || text(got) != want {
			t.Errorf("%s = %v, %v, want %s", src, got, err, want)
		}
	}
}

func TestImmutable(t *testing.T) {
	w := stateMachineEnv(t)
	before := text(w.roots[expr.Input])
	for _, c := range stateMachineCases {
		if _, err := eval(c.src, w); err != nil {
			t.Errorf("%s: %v", c.src, err)
		}
	}
	if text(w.roots[expr.Input]) != before {
		t.Error("the input has changed")
	}
}

// TestLean: an evaluation that builds nothing allocates nothing.
func TestLean(t *testing.T) {
	var w expr.Env = stateMachineEnv(t)
	for _, src := range []string{
		`$Input.list[1].id`,
		`$Input.a == 1 && $Input.s != "y" || !$Input.b`,
		`$Input.n > 9`,
		`"Tom" in ["Tom", "Jack"]`,
		`regexMatchString($Input.s, "^[a-z]+$")`,
		`arrayContains($Input.arr, 10)`,
	} {
		e, parseErr := expr.Parse(src, stateMachineRoots)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		var b expr.Budget
		allocs := testing.AllocsPerRun(100, func() {
			b = expr.DefaultBudget()
			if _, err := e.Eval(w, &b); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", src, allocs)
		}
	}
}
