package expr_test

import (
	"testing"

	"millrace/shared/expr"
)

func benchmarkEval(b *testing.B, src string) {
	e, parseErr := expr.Parse(src, stateMachineRoots)
	if parseErr != nil {
		b.Fatal(parseErr)
	}
	w := stateMachineEnv(b)
	var budget expr.Budget
	b.ReportAllocs()
	for b.Loop() {
		budget = expr.DefaultBudget()
		if _, err := e.Eval(w, &budget); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvalPath(b *testing.B) { benchmarkEval(b, `$Input.list[1].id`) }

func BenchmarkEvalCondition(b *testing.B) {
	benchmarkEval(b, `$Input.a == 1 && $Input.s != "y" || "Tom" in $Input.arr`)
}

func BenchmarkEvalFormat(b *testing.B) {
	benchmarkEval(b, `format("{} of {}: {}", $Input.s, $Input.a, $Input.o)`)
}

func BenchmarkEvalObject(b *testing.B) {
	benchmarkEval(b, `{"a": $Input.a, "list": [$Input.s, $Global.g], "n": length($Input.list)}`)
}

func BenchmarkEvalRegex(b *testing.B) { benchmarkEval(b, `regexMatchString($Input.s, "^[a-z]+$")`) }

func BenchmarkEvalFlowV1(b *testing.B) {
	e, parseErr := expr.ParseCondition(`$.recs[0].p[1] == 2 && $.up == "true"`)
	if parseErr != nil {
		b.Fatal(parseErr)
	}
	w := flowV1Env(b)
	var budget expr.Budget
	b.ReportAllocs()
	for b.Loop() {
		budget = expr.DefaultBudget()
		if ok, err := e.Condition(w, &budget); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	template := expr.ObjectOf([]expr.Field{
		{Name: "body", Value: expr.ObjectOf([]expr.Field{{Name: "user",
			Value: dynamic(b, `$Input.s`)}})},
		{Name: "method", Value: expr.Constant("POST")},
		{Name: "ids", Value: dynamic(b, `$Input.list`)},
	})
	w := stateMachineEnv(b)
	var budget expr.Budget
	b.ReportAllocs()
	for b.Loop() {
		budget = expr.DefaultBudget()
		if _, err := template.Build(w, &budget); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := expr.Parse(
			`$Input.a == 1 && $Input.s != "y" || format("{}", $Input.o.k) in $Input.arr`,
			stateMachineRoots); err != nil {
			b.Fatal(err)
		}
	}
}
