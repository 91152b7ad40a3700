package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"
)

// literal returns the value of a package variable or constant in a Go file of shared/, as written.
func literal(t *testing.T, file, name string) ast.Expr {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../shared", file), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
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

// texts returns all string constants in an expression, in the order written.
func texts(e ast.Expr) (list []string) {
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
