package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// byLength are calls whose cost grows with the texts, numbers or values that they are given.
var byLength = map[string][]string{
	"value":   {"Append", "AppendKey", "Canonical", "Compare", "Decode", "DecodeWithin", "Deeper", "Encode", "Equal", "Int", "IsNumeric", "Measure"},
	"maphash": {"Bytes", "Comparable", "String", "WriteComparable"},
	"reflect": {"DeepEqual"},
	"slices":  {"Contains", "Index", "Sort", "SortFunc", "SortStableFunc"},
	"sort":    {"Slice", "SliceStable", "Sort", "Strings"},
	"strconv": {"ParseFloat"},
	"strings": {"Compare", "EqualFold"},
	"utf8":    {"RuneCountInString"},
}

// beforeData are places where such calls see the definition alone, whose length is bounded, and not
// yet any data.
var beforeData = map[string]bool{
	"path.go: value.Int in newSelection":             true,
	"parse.go: strings.EqualFold in unknownRoot":     true,
	"parse.go: strings.EqualFold in unknownFunction": true,
	"parse.go: sort.Strings in unknownFunction":      true,
}

// An evaluation pays for what it looks at before it looks: in shared/expr only charged.go, whose
// functions do so, makes calls that take longer the longer their arguments are.
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
				if seen++; filepath.Base(file) != "charged.go" && !beforeData[filepath.Base(file)+": "+call+" in "+name] {
					t.Errorf("%s: %s in %s pays for no length: use or add a function of charged.go", set.Position(n.Pos()), call, name)
				}
				return true
			})
		}
	}
	if seen < 10 {
		t.Errorf("only %d such calls were seen", seen)
	}
}

// selector returns a use of a function of byLength, such as value.Compare; "" when the node is
// none.
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
