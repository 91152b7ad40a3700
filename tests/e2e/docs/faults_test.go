package docs_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
)

// sample is a page without faults.
const sample = "# Page\n\n## Wait\n\n" +
	"| field | value |\n| --- | --- |\n| `Seconds`, `Seconds.$` | 1 to 300 |\n| `Until` | 2 |\n\n" +
	"```json\n{\"$Input\": {\"a\": 1}}\n```\n\n" +
	"| expression | result |\n| --- | --- |\n| `$Input.a` | `1` |\n" +
	"| `!true \\|\\| $Input.b` | error: `has no member \"b\"` |\n\n" +
	"```yaml\nType: StateMachine\nSpecVersion: v1\nName: one\nStartAt: A\n" +
	"States:\n  - {Name: A, Type: Pass, End: true}\n```\n\n" +
	"```yaml\nflow: one.yaml\ncases:\n  - input: {x: 1}\n    expect: {output: {x: 1}}\n```\n\n" +
	"```yaml\n# refused: is missing\nType: StateMachine\nSpecVersion: v1\nName: two\n" +
	"StartAt: A\n```\n"

// TestFaults: the checks find each slip in a page.
func TestFaults(t *testing.T) {
	known := words{"Wait", "field", map[string][]string{
		"Seconds": {"300"}, "Seconds.$": nil, "Until": {"2"},
	}}
	parse := func(source string) (*expr.Expr, *expr.Error) { return expr.Parse(source, expr.Input) }
	if list := faults("sample", sample, parse, known); len(list) > 0 {
		t.Fatal(list)
	}
	for _, slip := range [][3]string{
		{"`Until`", "`Unitl`", "the code has no field Unitl"},
		{"`Until`", "`Unitl`", "no table with the column \"field\" describes Until"},
		{"| field", "| thing", "no table with the column \"field\" describes Seconds"},
		{"## Wait", "## Weight", "no table with the column \"field\" describes Seconds"},
		{"1 to 300", "1 to 30", "the row of Seconds does not say \"300\""},
		{"`$Input.a`", "`$Input.c`", "has no member"},
		{"| `1` |", "| `2` |", "$Input.a is 1 , not 2"},
		{"| `1` |", "| 1 |", "must be one code span"},
		{"no member \"b\"", "no member \"d\"", "the reason is"},
		{"\"a\": 1}", "\"a\": 1", "not a JSON object"},
		{"StartAt: A\nStates", "StartAt: B\nStates", "no state of this scope has the name"},
		{"Type: Pass", "Type: Pass, Foo: 1", "unknown field"},
		{"Type: Pass", "Type: Pass: Pass", "not YAML"},
		{"output: {x: 1}", "output: {x: 2}", "x: want 2, got 1"},
		{"flow: one.yaml", "flow: other.yaml", "the cases are of"},
		{"- input:", "- inptu:", "unknown key"},
		{"is missing", "is absent", "no diagnostic says"},
		{"# refused:", "# warning:", "warning is wrong"},
	} {
		page := strings.Replace(sample, slip[0], slip[1], 1)
		list := strings.Join(faults("sample", page, parse, known), "\n")
		if page == sample || !strings.Contains(list, slip[2]) {
			t.Errorf("%s: no fault %q, but\n%s", slip[1], slip[2], list)
		}
	}
}
