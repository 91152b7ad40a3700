package docs_test

import (
	"go/ast"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
)

// TestStateMachine checks docs/statemachine.md against the tables of the compiler, the errors of
// the engine and of the tasks, and the limits.
func TestStateMachine(t *testing.T) {
	const dir = "fdl/statemachine/"
	list := func(file, name string) []string { return texts(literal(t, dir+file, name)) }
	tables := []words{
		named("The flow", "field", list("compile.go", "topFields")),
		named("Fields of all states", "field", list("state.go", "commonFields")),
		named("Choice", "branch", list("control.go", "optionFields")),
		named("Parallel", "branch", list("control.go", "scopeFields")),
		named("Map", "processor", list("control.go", "scopeFields")),
		named("Retry", "field", list("rules.go", "retryFields")),
		named("Catch", "field", list("rules.go", "catchFields")),
		named("Task modes", "mode", list("task.go", "modeNames")),
		named("Names", "name", engineErrors(t)),
		named("Names", "code", taskErrors(t)),
		{"Limits", "limit", limits()},
		{"Limits", "what", map[string][]string{
			"name of a state":           {stateNameMax(t)},
			"IntervalSeconds":           {constant(t, dir+"rules.go", "retryDelayMax")},
			"MaxBackoffSeconds":         {constant(t, dir+"rules.go", "retryDelayMax")},
			"name of a global variable": {globalNameBytes(t)},
			"name of an error":          {thousands(flow.ErrorNameMax)},
			"text of an error":          {thousands(flow.ErrorCauseMax)},
		}},
	}
	tables = append(tables, stateTypes(t)...)
	tables = append(tables, actions(t)...)
	check(t, "statemachine.md", parseStateMachine, tables...)
}

// stateTypes returns the table of the state types, and those of their own fields.
func stateTypes(t *testing.T) (tables []words) {
	types := words{"Fields of all states", "type", map[string][]string{}}
	for name, kind := range pairs(t, literal(t, "fdl/statemachine/state.go", "kinds")) {
		ignored := member(kind, "ignored")
		next, rules, constructors := "refused", "refused", "all"
		switch {
		case member(kind, "hasNext") != nil:
			next = "needed"
		case ignored != nil && slices.Contains(texts(ignored), "Next"):
			next = "ignored"
		}
		if member(kind, "handlesErrors") != nil {
			rules = "may have"
		}
		if ignored != nil && slices.Contains(texts(ignored), "OutputConstructor") {
			constructors = "`InputConstructor` only"
		}
		types.known[name] = []string{" | " + next + " | " + rules + " | " + constructors}
		if own := texts(member(kind, "fields")); len(own) > 0 {
			tables = append(tables, named(name, "field", own))
		}
	}
	return append(tables, types)
}

// actions returns the table of the actions with their modes, and those of their parameters.
func actions(t *testing.T) (tables []words) {
	modes := texts(literal(t, "fdl/statemachine/task.go", "modeNames"))
	all := words{"Actions", "action", map[string][]string{}}
	for name, action := range pairs(t, literal(t, "fdl/statemachine/actions.go", "actions")) {
		has := modes[:1]
		switch {
		case member(action, "modeMax") == nil:
		case member(action, "system") == nil:
			has = []string{modes[0], modes[2]}
		default:
			has = modes
		}
		all.known[name] = []string{"`" + strings.Join(has, "`, `") + "` |"}
		table := words{name, "parameter", map[string][]string{}}
		for _, p := range member(action, "parameters").(*ast.CompositeLit).Elts {
			of := p.(*ast.CompositeLit).Elts // name, required, check
			// The words and the numbers that a constant may be.
			says := append(texts(of[2]), numbers(of[2])...)
			if source(of[1]) == "true" {
				says = append(says, "required |")
			}
			table.known[texts(of[0])[0]] = says
		}
		tables = append(tables, table)
	}
	return append(tables, all)
}

// limits returns the limits of the language and their defaults.
func limits() map[string][]string {
	// The rest are limits of FlowV1, of accounts, and settings.
	others := regexp.MustCompile(`V1$|^(StrictPaths|Sequential|Flows|Schedules|Executions)$`)
	known := map[string][]string{}
	v := reflect.ValueOf(flow.DefaultLimits())
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !others.MatchString(name) {
			known[name] = []string{thousands(int(v.Field(i).Int())) + " |"}
		}
	}
	return known
}

// stateNameMax returns the maximum length of the name of a state. The compiler has no constant for
// it, so the function tries names.
func stateNameMax(t *testing.T) string {
	for n := 1; n < 1000; n++ {
		name := strings.Repeat("a", n+1)
		m, _ := fdl.Parse([]byte("Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: "+name+
			"\nStates: [{Name: "+name+", Type: Succeed}]\n"), fdl.Options{})
		if m == nil {
			return thousands(n)
		}
	}
	t.Error("a name of any length is accepted")
	return ""
}

// globalNameBytes returns the maximum length of the name of a global variable.
func globalNameBytes(t *testing.T) string {
	return constant(t, "interp/dialectstatemachine.go", "globalNameBytes")
}

// engineErrors returns the names of the errors of the engine, wherever the code has one, without
// those of FlowV1.
func engineErrors(t *testing.T) (list []string) {
	ofFlowV1 := []string{"FnF.RuntimeError", "FnF.ExecutionAlreadyExists"}
	name := regexp.MustCompile(`^FnF\.\w+$`)
	walk(t, "", func(path string, file *ast.File) {
		// lint also has names that do not exist, for its suggestions.
		if strings.HasPrefix(path, "fdl/flowv1/") || strings.HasPrefix(path, "fdl/lint/") {
			return
		}
		for _, text := range texts(file) {
			if name.MatchString(text) && !slices.Contains(ofFlowV1, text) {
				list = append(list, text)
			}
		}
	})
	return list
}

// taskErrors returns the codes of the errors that the runners of tasks make themselves: constants
// of their files about failures, what codeOf and its like return, and first arguments of Failf.
func taskErrors(t *testing.T) []string {
	code := regexp.MustCompile(`^(?:FC\.)?([A-Z][A-Za-z]+)$`)
	list := texts(member(literal(t, "task/dialect.go", "stateMachine"), "unsupported"))
	add := func(n ast.Node) {
		for _, text := range texts(n) {
			if m := code.FindStringSubmatch(text); m != nil {
				list = append(list, m[1])
			}
		}
	}
	walk(t, "task", func(path string, file *ast.File) {
		about := strings.HasSuffix(path, "/failure.go") || path == "task/openapitask/doc.go"
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if about && n.Tok.String() == "const" {
					add(n)
				}
			case *ast.FuncDecl:
				if slices.Contains([]string{"codeOf", "nameOf", "byStatus"}, n.Name.Name) {
					add(n.Body)
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Failf" {
					add(n.Args[0])
				}
			}
			return true
		})
	})
	return list
}
