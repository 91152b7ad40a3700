package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

// Each case exceeds the default budget with an input of moderate size.
var heavyCases = []string{
	"[" + strings.Repeat("jsonToString($Input),", 400) + "1]",
	"[" + strings.Repeat("format('{}', $Input.text),", 400) + "1]",
	"[" + strings.Repeat("$Input.array == $Input.other,", 400) + "1]",
	"[" + strings.Repeat("arrayUnique($Input.array),", 200) + "1]",
	"[" + strings.Repeat("split($Input.text, 'a'),", 200) + "1]",
	"[" + strings.Repeat("toBase64($Input.text),", 400) + "1]",
	"[" + strings.Repeat("hash($Input.text, 'MD5'),", 400) + "1]",
	"[" + strings.Repeat("stringToJson($Input.json),", 200) + "1]",
	"[" + strings.Repeat("1 in $Input.array,", 400) + "1]",
	"[" + strings.Repeat("mapKeys($Input.object),", 400) + "1]",
	"[" + strings.Repeat("mapValues($Input.object),", 400) + "1]",
	"[" + strings.Repeat("jsonMerge($Input.object, {}),", 400) + "1]",
	"[" + strings.Repeat("length($Input.text),", 800) + "1]",
	`regexMatchString($Input.text, "(a{1,20}b?){20}$")`,
	"[" + manyPatterns(100) + "1]",
	`jsonToString(` + doubled(9) + `)`,
	"arrayContains([" + strings.Repeat("$Input.n,", 900) + "1], $Input.m)",
	"[" + strings.Repeat("arrayContains($Input.numbers, $Input.m),", 300) + "1]",
	"[" + strings.Repeat("$Input.n in $Input.numbers,", 300) + "1]",
	"[" + strings.Repeat("arrayUnique($Input.numbers),", 300) + "1]",
	"[" + strings.Repeat("$Input.numbers == $Input.numbers,", 300) + "1]",
	"[" + strings.Repeat("$Input.n == $Input.m,", 700) + "1]",
	"[" + strings.Repeat("$Input.n < $Input.m,", 700) + "1]",
	"[" + strings.Repeat("$Input.digits < $Input.m,", 600) + "1]",
	"[" + strings.Repeat("$Input.digits == $Input.m,", 600) + "1]",
	"[" + strings.Repeat("$Input.text < $Input.text,", 600) + "1]",
	"[" + strings.Repeat("$Input.text == $Input.text,", 600) + "1]",
	"[" + strings.Repeat("$Input.text in $Input.object,", 500) + "1]",
	"[" + strings.Repeat("get($Input.object, $Input.text),", 500) + "1]",
	"[" + strings.Repeat("$Input.object[$Input.text],", 500) + "1]",
	"[" + strings.Repeat("$Input.object == $Input.object,", 400) + "1]",
	"[" + strings.Repeat("fromBase64($Input.coded),", 400) + "1]",
	"[" + strings.Repeat("{$Input.text: 1},", 900) + "1]",
}

// doubled returns an expression whose value is small in memory, because it shares its parts, and
// large as text.
func doubled(n int) string {
	if n == 0 {
		return `$Input.array`
	}
	inner := doubled(n - 1)
	if n > 3 {
		return `[` + inner + `]`
	}
	return `toArray(` + inner + `,` + inner + `,` + inner + `,` + inner + `)`
}

func heavyEnv() *fakeEnv {
	array, other, object := make([]any, 20_000), make([]any, 20_000), map[string]any{}
	for i := range array {
		array[i], other[i] = strings.Repeat("x", i%7), strings.Repeat("x", i%7)
	}
	for i := range 1000 {
		object[strings.Repeat("k", i)] = true
	}
	object[strings.Repeat("a", 60_000)] = true
	numbers := make([]any, 900)
	for i := range numbers {
		numbers[i] = value.Number("0." + strings.Repeat("7", 50_000))
	}
	return &fakeEnv{roots: map[expr.Root]any{expr.Input: map[string]any{
		"array": array, "other": other, "object": object, "coded": strings.Repeat("YWFh", 15_000),
		"text": strings.Repeat("a", 60_000), "json": "[" + strings.Repeat("1,", 30_000) + "1]",
		"digits":  strings.Repeat("7", 60_000),
		"numbers": numbers, "n": numbers[0], "m": value.Number("0.8" + strings.Repeat("7", 50_000)),
	}}}
}

func TestTooMuchWork(t *testing.T) {
	w := heavyEnv()
	for _, src := range heavyCases {
		e, parseErr := expr.Parse(src, expr.Input)
		if parseErr != nil {
			t.Errorf("%.60s: %v", src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		_, err := e.Eval(w, &b)
		failed, ok := err.(*expr.Error)
		if !ok || !strings.HasPrefix(failed.Reason, "the expression does too much work") {
			t.Errorf("%.60s: %v, %+v left", src, err, b)
		}
	}
}

func TestEmptyBudget(t *testing.T) {
	for _, c := range stateMachineCases {
		e, parseErr := expr.Parse(c.src, stateMachineRoots)
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		if _, err := e.Eval(stateMachineEnv(t), &expr.Budget{}); err == nil {
			t.Errorf("%s: no error", c.src)
		}
	}
}

// TestBudgetIsExact: an evaluation always needs the same budget, and fails with any smaller one.
func TestBudgetIsExact(t *testing.T) {
	for _, c := range stateMachineCases {
		e, _ := expr.Parse(c.src, stateMachineRoots)
		b := expr.DefaultBudget()
		if _, err := e.Eval(stateMachineEnv(t), &b); err != nil {
			t.Fatal(err)
		}
		budget := expr.DefaultBudget()
		nodes, bytes := budget.Nodes-b.Nodes, budget.Bytes-b.Bytes
		if _, err := e.Eval(stateMachineEnv(t), &expr.Budget{Nodes: nodes,
			Bytes: bytes}); err != nil {
			t.Errorf("%s: %v", c.src, err)
		}
		if _, err := e.Eval(stateMachineEnv(t), &expr.Budget{Nodes: nodes - 1,
			Bytes: bytes}); err == nil {
			t.Errorf("%s: no error with a step less", c.src)
		}
		if bytes == 0 {
			continue
		}
		if _, err := e.Eval(stateMachineEnv(t), &expr.Budget{Nodes: nodes,
			Bytes: bytes - 1}); err == nil {
			t.Errorf("%s: no error with a byte less", c.src)
		}
	}
}

func TestLongAndDeepText(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("(", 100_000),
		strings.Repeat("[", 10_000),
		strings.Repeat("-", 10_000),
		strings.Repeat("$Input[", 2_000),
		strings.Repeat(`{"a":`, 2_000),
		strings.Repeat(`toArray(`, 2_000),
		`"` + strings.Repeat("x", expr.LengthMax) + `"`,
	} {
		if _, err := expr.Parse(src, expr.Input); err == nil {
			t.Errorf("%.20s: no error", src)
		}
	}
	for _, src := range []string{ // long without depth
		"1" + strings.Repeat(" == 1", 3_000),
		"$Input" + strings.Repeat(".a", 8_000),
		"true" + strings.Repeat("&&true", 2_700),
	} {
		e, err := expr.Parse(src, expr.Input)
		if err != nil {
			t.Errorf("%.20s: %v", src, err)
			continue
		}
		b := expr.DefaultBudget()
		e.Eval(&fakeEnv{roots: map[expr.Root]any{expr.Input: map[string]any{}}}, &b)
	}
}

// manyPatterns returns calls with n different patterns.
func manyPatterns(n int) string {
	text := ""
	for i := range n {
		text += fmt.Sprintf(`regexMatchString("a", format("(a{20}){20}{}", %d)),`, i)
	}
	return text
}
