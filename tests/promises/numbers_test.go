package promises_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/tests/promises"
)

// numbers counts in the sources what the page shows the number of.
func numbers(t *testing.T) string {
	t.Helper()
	c, reachesAll := fixed(t), 0
	for _, n := range c.Items {
		if n > 0 {
			reachesAll++
		}
	}
	searches := elements(t, "tests/model/model_test.go", "searches")
	rows := [][2]any{
		{"invariants of the simulation", len(promises.Invariants)},
		{"seeds that tests and CI run", len(c.Seeds)},
		{"what these reach: invariants, faults, kinds of runs, what is in executions", reachesAll},
		{"seeds that have found bugs", elements(t, "tests/sim/found_test.go", "found")},
		{"bugs that are put into store and wiring", elements(t, "tests/sim/bugs_test.go", "bugs") +
			elements(t, "tests/sim/bugs_flows_test.go", "bugs")},
		{"changes of the code that a seed must catch", changes(t)},
		{"searches of models, the larger ones of `make model-long` included", searches},
		{"mutants of models", elements(t, "tests/model/model_test.go", "mutants")},
		{"formulas of models that say what must happen in the end", formulas(t)},
	}
	var b strings.Builder
	b.WriteString("| what there is | number |\n| --- | ---: |\n")
	for _, row := range rows {
		if row[1] == 0 {
			t.Errorf("no %s were found in the sources", row[0])
		}
		fmt.Fprintf(&b, "| %s | %d |\n", row[0], row[1])
	}
	return b.String()
}

// elements counts the elements of a list: those in the declaration of the variable, and those that
// are appended to it.
func elements(t *testing.T, file, name string) (n int) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := func(e ast.Expr) {
		if lit, ok := e.(*ast.CompositeLit); ok {
			n += len(lit.Elts)
		}
	}
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			if len(node.Values) == 1 && node.Names[0].Name == name {
				count(node.Values[0])
			}
		case *ast.CallExpr:
			if len(node.Args) == 2 && isNamed(node.Fun, "append") && is(node.Args[0]) {
				count(node.Args[1])
			}
		}
		return true
	})
	return n
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// changes counts the changes of the code in tests/sim: elements of lists of structs with a file,
// its old text and its new text.
func changes(t *testing.T) (n int) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(root, "tests/sim/mutants*_test.go"))
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			lit, ok := node.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if list, ok := lit.Type.(*ast.ArrayType); ok && isChange(list.Elt) {
				n += len(lit.Elts)
			}
			return true
		})
	}
	return n
}

func isChange(e ast.Expr) bool {
	s, ok := e.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(id *ast.Ident) bool { return id.Name == "old" })
	})
}

// formulas counts the formulas of the models, which say what must happen.
func formulas(t *testing.T) (n int) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(root, "tests/model/*.pml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n += len(regexp.MustCompile(`(?m)^ltl \w+`).FindAll(text, -1))
	}
	return n
}
