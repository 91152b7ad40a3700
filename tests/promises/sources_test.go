package promises_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// sources are the checks of the simulation, as found in its sources.
type sources struct {
	reported map[string]bool // invariants that a failure can name
	looked   map[string]bool // invariants that the simulation counts when it checks them
	unnamed  []string        // places that fail a run without the name of an invariant
}

// named lists files with failures of the simulation itself, which belong to no invariant.
var named = map[string]bool{
	"invariants.go": true, // adds the name
	"clients.go":    true, // the examples cannot be read
	"schedule.go":   true, // a shortened run has become longer
}

// simulation reads the sources of tests/sim.
func simulation(t *testing.T) sources {
	t.Helper()
	s := sources{reported: map[string]bool{}, looked: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(root, "tests/sim/*.go"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files of the simulation, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if n != nil {
				s.read(n, set.Position(n.Pos()))
			}
			return true
		})
	}
	return s
}

// read records the invariants in a node.
func (s *sources) read(n ast.Node, at token.Position) {
	if lit, ok := n.(*ast.CompositeLit); ok {
		// An obligation is counted where it is reported (due.go).
		if of, ok := lit.Type.(*ast.Ident); ok && of.Name == "obligation" {
			name := literal(lit.Elts[0])
			s.reported[name], s.looked[name] = true, true
		}
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	switch f.Sel.Name {
	case "violate":
		if name := literal(call.Args[0]); name != "" {
			s.reported[name] = true
		} else if filepath.Base(at.Filename) != "due.go" {
			s.unnamed = append(s.unnamed, at.String())
		}
	case "checked":
		for _, arg := range call.Args {
			if name := literal(arg); name != "" {
				s.looked[name] = true
			}
		}
	case "failf":
		if !named[filepath.Base(at.Filename)] {
			s.unnamed = append(s.unnamed, at.String())
		}
	}
}

// literal returns the text of a constant; "" for anything else.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(lit.Value)
	return text
}

// testNames returns the tests of a package, by its folder.
func testNames(folder string) map[string]bool {
	names := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).
			FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
	}
	return names
}

// properties returns what a model checks: comments of its assertions, and names of its formulas.
func properties(model string) (list []string, err error) {
	text, err := os.ReadFile(filepath.Join(root, "tests/model", model+".pml"))
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if m := regexp.MustCompile(`^ltl (\w+)`).FindStringSubmatch(line); m != nil {
			list = append(list, m[1])
		}
		if !strings.Contains(line, "assert(") {
			continue
		}
		if i > 0 && strings.HasPrefix(strings.TrimSpace(lines[i-1]), "/*") {
			line = lines[i-1] + line
		}
		if _, comment, ok := strings.Cut(line, "/*"); ok {
			list = append(list, comment)
		}
	}
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s checks nothing", model)
	}
	return list, err
}

// alone returns, by invariant, the changes of the code that only this invariant catches, according
// to alone in tests/sim. It checks that all invariants named there exist.
func alone(t *testing.T) map[string][]string {
	t.Helper()
	caught, s := map[string][]string{}, simulation(t)
	add := func(invariants, mutant string) {
		list := strings.Split(invariants, ",")
		for _, name := range list {
			if !s.reported[name] {
				t.Errorf("mutant %q is caught by %q, which is no invariant", mutant, name)
			}
		}
		if len(list) == 1 {
			caught[list[0]] = append(caught[list[0]], mutant)
		}
	}
	files, _ := filepath.Glob(filepath.Join(root, "tests/sim/mutants*_test.go"))
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt: // alone["mutant"] = "invariants"
				if at, ok := n.Lhs[0].(*ast.IndexExpr); ok && isNamed(at.X, "alone") &&
					literal(at.Index) != "" {
					add(literal(n.Rhs[0]), literal(at.Index))
				}
			case *ast.CompositeLit: // {invariants, mutant, ...}
				list, ok := n.Type.(*ast.ArrayType)
				if ok && isChange(list.Elt) &&
					list.Elt.(*ast.StructType).Fields.List[0].Names[0].Name == "invariants" {
					for _, e := range n.Elts {
						add(literal(e.(*ast.CompositeLit).Elts[0]),
							literal(e.(*ast.CompositeLit).Elts[1]))
					}
				}
			}
			return true
		})
	}
	if len(caught) == 0 {
		t.Error("no mutant is caught by one invariant alone")
	}
	return caught
}
