package expr_test

import (
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

func TestStateMachineTable(t *testing.T) {
	w := stateMachineEnv(t)
	for _, row := range table(t, "expressions.json")["cases"].([]any) {
		c := row.(map[string]any)
		src := c["expr"].(string)
		got, err := eval(src, w)
		if _, fails := c["error"]; fails {
			if err == nil {
				t.Errorf("%s = %s, want an error", src, text(got))
			} else if _, ok := err.(*expr.Error); !ok {
				t.Errorf("%s: %T, want *expr.Error", src, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if !value.Equal(got, c["value"]) {
			t.Errorf("%s = %s, want %s", src, text(got), text(c["value"]))
		}
	}
}

func TestConditionTable(t *testing.T) {
	data := table(t, "conditions.json")
	w := &fakeEnv{roots: map[expr.Root]any{expr.Default: data["input"]}}
	for _, row := range data["conditions"].([]any) {
		c := row.(map[string]any)
		src := c["expr"].(string)
		e, parseErr := expr.ParseCondition(src)
		if parseErr != nil {
			t.Errorf("%s: %v", src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		got, err := e.Condition(w, &b)
		if err != nil || got != c["result"] {
			t.Errorf("%s = %v, %v, want %v", src, got, err, c["result"])
		}
	}
	for _, src := range data["invalid"].([]any) {
		if _, err := expr.ParseCondition(src.(string)); err == nil {
			t.Errorf("%s: no error", src)
		}
	}
}

// TestSourceTable checks the rows that are paths. Which sources are paths is decided by the front
// end.
func TestSourceTable(t *testing.T) {
	data := table(t, "sources.json")
	w := &fakeEnv{roots: map[expr.Root]any{
		expr.Input: data["input"], expr.Local: data["local"], expr.Context: data["context"],
	}}
	paths := 0
	for _, row := range data["sources"].([]any) {
		c := row.(map[string]any)
		src, ok := c["source"].(string)
		if !ok {
			continue
		}
		e, parseErr := expr.ParsePath(src, expr.Input|expr.Local|expr.Context)
		if parseErr != nil {
			if src != c["result"] {
				t.Errorf("%s: %v", src, parseErr)
			}
			continue
		}
		paths++
		b := expr.DefaultBudget()
		got, err := e.Eval(w, &b)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if _, absent := got.(expr.Absent); absent {
			if c["absent"] != true {
				t.Errorf("%s is absent, want %s", src, text(c["result"]))
			}
		} else if c["absent"] == true || !value.Equal(got, c["result"]) {
			t.Errorf("%s = %s, want %s", src, text(got), text(c["result"]))
		}
	}
	if paths != 17 {
		t.Errorf("%d paths, want 17", paths)
	}
}
