package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// byLength lists functions whose cost grows with the length of their arguments.
var byLength = map[string][]string{
	"value": {"Append", "AppendKey", "Canonical", "Compare", "Decode", "DecodeWithin", "Encode",
		"Equal", "ExceedsDepth", "Int", "IsNumeric", "Measure"},
	"maphash": {"Bytes", "Comparable", "String", "WriteComparable"},
	"reflect": {"DeepEqual"},
	"slices":  {"Contains", "Index", "Sort", "SortFunc", "SortStableFunc"},
	"sort":    {"Slice", "SliceStable", "Sort", "Strings"},
	"strconv": {"ParseFloat"},
	"strings": {"Compare", "EqualFold"},
	"utf8":    {"RuneCountInString"},
}

// beforeData lists places where such calls see only the definition, whose length is bounded, and no
// data yet.
var beforeData = map[string]bool{
	"path.go: value.Int in newSelection":             true,
	"parse.go: strings.EqualFold in unknownRoot":     true,
	"parse.go: strings.EqualFold in unknownFunction": true,
	"parse.go: sort.Strings in unknownFunction":      true,
}

// TestExpressionsPayForLengths: an evaluation charges for what it reads before it reads it. In
// shared/expr only the functions of charged.go do so, and only they may call functions whose cost
// grows with the length of their arguments.
func TestExpressionsPayForLengths(t *testing.T) {
	files, err := filepath.Glob("../../shared/expr/*.go")
	if err != nil || len(files) < 15 {
		t.Fatal(len(files), err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			name := ""
			if f, ok := d.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				call := selector(n)
				if call == "" {
					return true
				}
				if seen++; filepath.Base(file) != "charged.go" &&
					!beforeData[filepath.Base(file)+": "+call+" in "+name] {
					t.Errorf("%s: %s in %s pays for no length: use or add a function of charged.go",
						set.Position(n.Pos()), call, name)
				}
				return true
			})
		}
	}
	if seen < 10 {
		t.Errorf("only %d such calls were seen", seen)
	}
}

// selector returns the name of a function of byLength that the node uses, such as value.Compare; ""
// if it uses none.
func selector(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	p, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, name := range byLength[p.Name] {
		if s.Sel.Name == name {
			return p.Name + "." + name
		}
	}
	return ""
}
