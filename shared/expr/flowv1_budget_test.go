package expr_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

// TestTooMuchWorkInFlowV1: FlowV1 conditions and paths that exceed the default budget.
func TestTooMuchWorkInFlowV1(t *testing.T) {
	rows := make([]any, 20_000)
	for i := range rows {
		rows[i] = map[string]any{"a": map[string]any{"a": map[string]any{"a": true}}}
	}
	long := value.Number("0." + strings.Repeat("7", 50_000))
	w := &fakeEnv{roots: map[expr.Root]any{expr.Default: map[string]any{
		"n": long, "m": long + "1", "digits": strings.Repeat("7", 60_000),
		"more": strings.Repeat("7", 60_000) + "1",
		"text": strings.Repeat("a", 60_000), "other": strings.Repeat("a", 59_999) + "b",
		"object": map[string]any{strings.Repeat("a", 60_000): true}, "rows": rows,
	}}}
	chain := func(term string) string {
		return strings.TrimSuffix(strings.Repeat(term+"||", 16_000/(len(term)+2)), "||")
	}
	for _, src := range []string{
		chain(`$.n==$.m`), chain(`$.n>$.m`), chain(`$.digits==$.more`), chain(`$.digits>$.more`),
		chain(`$.n==$.digits`), chain(`$.n==true&&$.n==false`),
		chain(`!$.n`), chain(`$.text<$.text`), chain(`!($.text in $.object)`),
		chain(`$.text==$.other`),
		chain(`$.n in [1,$.m]`), `$.rows[*].a.a.a == [$.rows[*].a.a.a, $.rows[*].a.a.a]`,
	} {
		e, parseErr := expr.ParseCondition(strings.TrimRight(src, "|"))
		if parseErr != nil {
			t.Errorf("%.60s: %v", src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		_, err := e.Condition(w, &b)
		failed, ok := err.(*expr.Error)
		if !ok || !strings.HasPrefix(failed.Reason, "the expression does too much work") {
			t.Errorf("%.60s: %v, %+v left", src, err, b)
		}
	}
}
