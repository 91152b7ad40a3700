package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// dialectFiles define what differs between the dialects, or choose a dialect. No other file may
// name a dialect or ask which one it has: a new dialect is a new value in these files.
var dialectFiles = map[string]bool{
	"shared/flow/dialect.go":             true, // the numbers; limits, what a task starts and shows
	"shared/interp/dialect.go":           true, // data flow, history events, error names
	"shared/task/dialect.go":             true, // parameters and results of tasks
	"shared/flowtest/dialect.go":         true, // what the flow tester shows for a task token
	"shared/fdl/flowv1/compile.go":       true, // makes machines of a dialect
	"shared/fdl/statemachine/compile.go": true,
}

// TestDialectsAreValues checks that the product asks for the number of a dialect in dialectFiles
// only.
func TestDialectsAreValues(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			file, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			files := token.NewFileSet()
			tree, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range dialectQuestions(tree) {
				used[filepath.ToSlash(file)] = true
				if !dialectFiles[filepath.ToSlash(file)] {
					t.Errorf("%s names a dialect, or asks for its number; make what differs a "+
						"member of a dialect's value (ARCHITECTURE.md)", files.Position(at))
				}
			}
		}
	}
	for file := range dialectFiles {
		if !used[file] {
			t.Errorf("%s names no dialect; take it off the list", file)
		}
	}
}

// dialectQuestions returns where a file names flow.FlowV1 or flow.StateMachine, or compares the
// number of a dialect with anything but 0.
func dialectQuestions(file *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if isIdent(n.X, "flow") && (n.Sel.Name == "FlowV1" || n.Sel.Name == "StateMachine") {
				found = append(found, n.Pos())
			}
		case *ast.Ident:
			if file.Name.Name == "flow" && (n.Name == "FlowV1" || n.Name == "StateMachine") {
				found = append(found, n.Pos())
			}
		case *ast.BinaryExpr:
			if compares(n.Op) && (isDialect(n.X) && !isZero(n.Y) || isDialect(n.Y) && !isZero(n.X)) {
				found = append(found, n.Pos())
			}
		case *ast.SwitchStmt:
			if isDialect(n.Tag) {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

func compares(op token.Token) bool {
	switch op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return true
	}
	return false
}

// isDialect reports whether an expression is called Dialect, as every field with a number is.
func isDialect(x ast.Expr) bool {
	s, ok := x.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Dialect"
}

func isZero(x ast.Expr) bool {
	l, ok := x.(*ast.BasicLit)
	return ok && l.Value == "0"
}

func isIdent(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}
