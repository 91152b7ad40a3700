package docs_test

import (
	"go/ast"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// parseStateMachine parses an expression of StateMachine that may use every root.
func parseStateMachine(source string) (*expr.Expr, *expr.Error) {
	return expr.Parse(source, expr.Input|expr.Output|expr.Context|expr.Global|expr.Item)
}

// TestExpressions checks docs/expressions.md against the tables of package expr.
func TestExpressions(t *testing.T) {
	functions := pairs(t, literal(t, "expr/functions.go", "functions"))
	operators := append(keys(t, literal(t, "expr/compare.go", "comparators")), "||", "&&", "!", "-")
	check(t, "expressions.md", parseStateMachine,
		named("Roots", "root", keys(t, literal(t, "expr/parse.go", "rootNames"))),
		named("Context", "member", contextMembers(t)),
		named("Operators", "operator", operators),
		named("Functions", "function", slices.Collect(maps.Keys(functions))),
		words{"Limits of expressions", "what", expressionLimits(t)},
	)
	text, err := os.ReadFile("../../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	checkFunctions(t, readPage("expressions.md", string(text)), functions)
}

// contextMembers returns the paths that the compiler knows below $Context, without the objects that
// contain others.
func contextMembers(t *testing.T) (list []string) {
	var walk func(path string, e ast.Expr)
	walk = func(path string, e ast.Expr) {
		if object, ok := e.(*ast.CompositeLit); ok && len(object.Elts) > 0 {
			for name, below := range pairs(t, e) {
				walk(path+"."+name, below)
			}
			return
		}
		list = append(list, path)
	}
	walk("$Context", literal(t, "fdl/statemachine/context.go", "context"))
	return list
}

// expressionLimits returns the limits of expressions, from the constants in the code.
func expressionLimits(t *testing.T) map[string][]string {
	number := func(file, name string) []string { return []string{constant(t, file, name)} }
	budget := expr.DefaultBudget()
	if number("fdl/statemachine/expression.go", "nestingMax")[0] != thousands(expr.CallDepthMax) {
		t.Error("the compiler and the parser differ in the depth of calls")
	}
	return map[string][]string{
		"length of an expression":   {thousands(expr.LengthMax)},
		"nested calls of functions": {thousands(expr.CallDepthMax)},
		"nested parentheses, arrays, objects, arguments and prefixes": number("expr/parser.go",
			"nestingMax"),
		"length of a number":  {thousands(value.NumberMax)},
		"depth of a value":    {thousands(value.DepthMax)},
		"length of a pattern": number("expr/match.go", "patternMax"),
		"size of a pattern, with its repetitions written out": number("expr/match.go",
			"programMax"),
		"classes of Unicode characters, written \\\\p, in a pattern": number("expr/match.go",
			"unicodeMax"),
		"what a state evaluates at one time": {thousands(budget.Nodes),
			strconv.Itoa(budget.Bytes>>20) + " MiB"},
	}
}

// checkFunctions checks the arguments that the page names, and that each function has an example.
func checkFunctions(t *testing.T, p *page, functions map[string]ast.Expr) {
	var examples string
	for _, table := range p.tables {
		if table.heading != "Functions" {
			continue
		}
		for _, row := range table.rows {
			if table.header[0] != "function" {
				examples += row[0] + "\n"
				continue
			}
			given, fixed := spans(row[1]), 0
			for _, name := range given {
				if !strings.HasSuffix(name, "…") {
					fixed++
				}
			}
			for _, name := range spans(row[0]) {
				f, ok := functions[name].(*ast.CompositeLit)
				if !ok {
					continue // reported by check
				}
				_, open := f.Elts[1].(*ast.UnaryExpr) // -1: any number
				if lowest := source(f.Elts[0]); lowest != strconv.Itoa(fixed) ||
					open != (len(given) > fixed) {
					t.Errorf("%s takes at least %s arguments, the page names %q", name, lowest,
						given)
				}
			}
		}
	}
	for name := range functions {
		if !strings.Contains(examples, name+"(") {
			t.Errorf("the page has no example of %s", name)
		}
	}
}

// TestRootsOfPlaces checks where the page says that each root exists.
func TestRootsOfPlaces(t *testing.T) {
	const flowText = "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
		"  - Name: A\n    Type: "
	places := map[string]string{
		"InputConstructor":  "Pass\n    InputConstructor: {x.$: ROOT}\n    End: true\n",
		"OutputConstructor": "Pass\n    OutputConstructor: {x.$: ROOT}\n    End: true\n",
		"GlobalConstructor": "Pass\n    GlobalConstructor: {x.$: ROOT}\n    End: true\n",
		"Seconds":           "Wait\n    Seconds.$: ROOT\n    End: true\n",
		"Code":              "Fail\n    Code.$: ROOT\n    Detail.$: ROOT\n",
		"Condition": "Choice\n    Branches: [{Condition: ROOT, Next: A}]\n    " +
			"Default: A\n",
		"Parameters": "Task\n    Action: A:B\n    Parameters: {x.$: ROOT}\n    End: true\n",
		"Timeout":    "Task\n    Action: A:B\n    Timeout.$: ROOT\n    End: true\n",
		"Catch": "Task\n    Action: A:B\n    End: true\n    " +
			"Catch: [{Errors: [E], OutputConstructor: {x.$: ROOT}, Next: A}]\n",
		"ItemsPath": "Map\n    ItemsPath: ROOT\n    End: true\n    " +
			"Processor: {StartAt: B, States: [{Name: B, Type: Pass, End: true}]}\n",
		"ItemConstructor": "Map\n    ItemsPath: $Input.x\n    End: true\n    " +
			"ProcessorConfig: {ExecutionMode: Standard}\n    ItemConstructor: {x.$: ROOT}\n    " +
			"Processor: {StartAt: B, States: [{Name: B, Type: Pass, End: true}]}\n",
	}
	only := map[string][]string{
		"$Output": {"OutputConstructor", "GlobalConstructor"}, "$Item": {"ItemConstructor"},
	}
	for place, state := range places {
		for _, root := range []string{"$Input", "$Context", "$Global", "$Output", "$Item"} {
			m, _ := fdl.Parse([]byte(flowText+strings.ReplaceAll(state, "ROOT", root)),
				fdl.Options{Mode: flow.Standard})
			want := only[root] == nil || slices.Contains(only[root], place)
			if (m != nil) != want {
				t.Errorf("%s in %s: accepted is %v", root, place, m != nil)
			}
		}
	}
}
