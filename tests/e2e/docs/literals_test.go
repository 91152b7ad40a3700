package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const shared = "../../../shared"

// parseFile parses a Go file of shared/.
func parseFile(t *testing.T, file string) *ast.File {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(shared, file), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// walk calls f for each Go file below a folder of shared/, without tests.
func walk(t *testing.T, folder string, f func(path string, file *ast.File)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(shared), filepath.ToSlash(filepath.Clean(folder)),
		func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				f(path, parseFile(t, path))
			}
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
}

// literal returns the value of a package variable or constant in a Go file of shared/, as written.
func literal(t *testing.T, file, name string) ast.Expr {
	t.Helper()
	tree := parseFile(t, file)
	for _, d := range tree.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range group.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, id := range v.Names {
				if id.Name == name && i < len(v.Values) {
					return v.Values[i]
				}
			}
		}
	}
	t.Fatalf("%s has no %s", file, name)
	return nil
}

// pairs returns the keys of a map literal and their values; its keys are strings.
func pairs(t *testing.T, e ast.Expr) map[string]ast.Expr {
	t.Helper()
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		t.Fatalf("%T is no literal of a map", e)
	}
	found := map[string]ast.Expr{}
	for _, element := range list.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			t.Fatalf("%T is no pair of a map", element)
		}
		if key := texts(pair.Key); len(key) == 1 {
			found[key[0]] = pair.Value
		}
	}
	if len(found) != len(list.Elts) {
		t.Fatalf("%d of %d keys are strings", len(found), len(list.Elts))
	}
	return found
}

// keys returns the keys of a map literal.
func keys(t *testing.T, e ast.Expr) (list []string) {
	t.Helper()
	for key := range pairs(t, e) {
		list = append(list, key)
	}
	return list
}

// texts returns all string constants in a part of a file, in the order written; none for nil.
func texts(e ast.Node) (list []string) {
	if e == nil {
		return nil
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
			if text, err := strconv.Unquote(b.Value); err == nil {
				list = append(list, text)
			}
		}
		return true
	})
	return list
}

// numbers returns all integer constants in an expression, as written.
func numbers(e ast.Expr) (list []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.INT {
			list = append(list, b.Value)
		}
		return true
	})
	return list
}

// member returns the value of a field of a struct literal, or nil if the literal does not set it.
func member(e ast.Expr, name string) ast.Expr {
	if p, ok := e.(*ast.UnaryExpr); ok {
		e = p.X
	}
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, element := range list.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if id, ok := pair.Key.(*ast.Ident); ok && id.Name == name {
			return pair.Value
		}
	}
	return nil
}

// source returns the text of a literal or a name.
func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Value
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// constant returns an integer constant of a Go file of shared/ as a page writes it.
func constant(t *testing.T, file, name string) string {
	t.Helper()
	n, err := strconv.ParseInt(source(literal(t, file, name)), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return thousands(int(n))
}

// thousands returns a number with a comma before each group of three digits.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
