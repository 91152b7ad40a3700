package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"millrace/shared/arn"
	"millrace/shared/expr"
	"millrace/shared/flow"
)

// TestFlowV1Page: docs/flowv1.md describes all that a definition of FlowV1 can contain, and its
// examples do what it says.
func TestFlowV1Page(t *testing.T) {
	tables := slices.Concat(topTables(t), stepTables(t), entryTables(t), taskTables(t), limitTables(t))
	check(t, "flowv1.md", parseV1, tables...)
}

// parseV1 parses a path of a mapping, which has no blanks, or a condition.
func parseV1(source string) (*expr.Expr, *expr.Error) {
	if strings.HasPrefix(source, "$") && !strings.Contains(source, " ") {
		return expr.ParsePath(source, expr.Input|expr.Local|expr.Context|expr.Default)
	}
	return expr.ParseCondition(source)
}

// topTables are the keys of a definition, the roots of its paths and the operators of its
// conditions.
func topTables(t *testing.T) []words {
	top := named("The document", "key", texts(literal(t, "fdl/flowv1/compile.go", "topKeys")))
	for _, version := range texts(literal(t, "fdl/flowv1/compile.go", "versions")) {
		top.known["version"] = append(top.known["version"], "`"+version+"`")
	}
	operators := append(keys(t, literal(t, "expr/compare.go", "comparators")),
		"&&", "||", "!", "-", "( )")
	return []words{
		top,
		named("Paths", "root", keys(t, literal(t, "expr/pathv1.go", "rootNamesV1"))),
		named("Conditions", "operator", operators),
	}
}

// commonKeys are those of every step. The table of steps says which steps have no end.
var commonKeys = []string{"type", "name", "end", "inputMappings", "outputMappings"}

// stepTables are the step types and their keys.
func stepTables(t *testing.T) []words {
	kinds := pairs(t, literal(t, "fdl/flowv1/step.go", "kinds"))
	tables := []words{
		named("Steps", "type", keys(t, literal(t, "fdl/flowv1/step.go", "kinds"))),
		named("Steps", "key", commonKeys),
	}
	limits := flow.DefaultLimits()
	says := map[string]int64{
		"duration": limits.WaitSecondsV1, "timestamp": limits.WaitSecondsV1,
		"branches": int64(limits.BranchesV1),
	}
	for kind, value := range kinds {
		own := slices.DeleteFunc(texts(value), func(key string) bool { return key == "end" })
		if len(own) == 0 {
			continue
		}
		table := named(kind, "key", own)
		for _, key := range own {
			if n, ok := says[key]; ok {
				table.known[key] = []string{grouped(n)}
			}
		}
		tables = append(tables, table)
	}
	return tables
}

// entryTables are the keys of what steps contain: the functions of the front end name them.
func entryTables(t *testing.T) (tables []words) {
	places := map[string]words{
		"mappings":  {heading: "Mappings", column: "key"},
		"parallel":  {heading: "parallel", column: "branch"},
		"iteration": {heading: "foreach", column: "iterationMapping"},
		"retries":   {heading: "Retry", column: "retry"},
		"catches":   {heading: "Catch", column: "catch"},
	}
	for function, known := range keyCalls(t) {
		place, ok := places[function]
		if !ok {
			t.Errorf("%s reads keys, and no table is known for them: %q", function, known)
		}
		if function == "catches" { // it knows the key steps only to refuse it
			known = slices.DeleteFunc(known, func(key string) bool { return key == "steps" })
		}
		tables = append(tables, named(place.heading, place.column, known))
	}
	if len(tables) != len(places) {
		t.Errorf("the front end reads keys in %d functions, not %d", len(tables), len(places))
	}
	return append(tables, named("choice", "option",
		texts(literal(t, "fdl/flowv1/control.go", "optionKeys"))))
}

// keyCalls returns the constant arguments of c.keys by the function that calls it.
func keyCalls(t *testing.T) map[string][]string {
	found := map[string][]string{}
	for _, file := range frontEnd(t) {
		for _, d := range file.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "keys" {
					for _, argument := range call.Args[2:] {
						if words := texts(argument); len(words) > 0 { // none in a variable
							found[function.Name.Name] = append(found[function.Name.Name], words...)
						}
					}
				}
				return true
			})
		}
	}
	return found
}

// frontEnd returns the files of package flowv1, without its tests.
func frontEnd(t *testing.T) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("../../../shared/fdl/flowv1/*.go")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// taskTables are what tasks can call, how, and which errors they end with.
func taskTables(t *testing.T) []words {
	var resources, actions []string
	for _, form := range arn.Forms[arn.Function:] {
		resources = append(resources, strings.Split(form, " or ")...)
	}
	for operation := range pairs(t, literal(t, "task/subflowtask/operations.go", "operations")) {
		actions = append(actions, "fnf:"+operation)
	}
	message := member(literal(t, "task/dialect.go", "flowV1"), "message")
	return []words{
		named("Resources", "resource", resources),
		named("Patterns", "pattern", flow.Patterns[:]),
		named("Actions", "action", append(actions, "fnf:StartExecution")),
		named("Queues and topics", "parameter", texts(message)),
		named("Functions", "parameter",
			[]string{flow.InvocationTypeKeys[1], "StatefulAsyncInvocationID"}),
		named("Flows", "parameter", []string{flow.InputKeys[1], flow.ExecutionNameKeys[1],
			flow.QualifierKeys[1]}),
		named("Error names", "name", errorNames(t)),
	}
}

// errorNames returns the names of errors that a flow of FlowV1 can see.
func errorNames(t *testing.T) []string {
	const ofStateMachine = "ErrFail ErrExpression ErrItemReader ErrResultWriter ErrMapRunFailed ErrMapRunNotSupported"
	names := []string{"FnF.ExecutionAlreadyExists"}
	for constant, name := range constants(t, "flow/status.go") {
		if strings.HasPrefix(constant, "Err") &&
			!slices.Contains(strings.Fields(ofStateMachine), constant) {
			names = append(names, name)
		}
	}
	for _, name := range constants(t, "task/functiontask/failure.go") {
		names = append(names, name)
	}
	for _, file := range []string{"task/fctask/failure.go", "task/lambdatask/failure.go"} {
		for _, code := range constants(t, file) {
			names = append(names, "FC."+code)
		}
	}
	return names
}

// constants returns the text constants of a Go file of shared/ by name.
func constants(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../../shared", name), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			v := s.(*ast.ValueSpec)
			for i, id := range v.Names {
				if i < len(v.Values) && len(texts(v.Values[i])) == 1 {
					found[id.Name] = texts(v.Values[i])[0]
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no constants", name)
	}
	return found
}

// limitTables are the limits, and the rules of the diagnostics.
func limitTables(t *testing.T) []words {
	limits := words{"Limits", "limit", map[string][]string{}}
	v := reflect.ValueOf(flow.DefaultLimits())
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; {
		case strings.HasSuffix(name, "V1"), name == "Events", name == "ExecutionSeconds",
			name == "ExpressSeconds", name == "DefinitionBytes":
			limits.known[name] = []string{grouped(v.Field(i).Int())}
		}
	}
	rule := regexp.MustCompile(`^F\d\d$`)
	var rules []string
	for _, file := range frontEnd(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
				if text := strings.Trim(b.Value, `"`); rule.MatchString(text) {
					rules = append(rules, text)
				}
			}
			return true
		})
	}
	return []words{limits, named("Mistakes in a definition", "rule", rules)}
}

// grouped writes a number as the pages do: 32,768.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
