package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

// field uses another field of the same type: the next one of the struct.
func field(v *visit, n ast.Node) {
	e, ok := n.(*ast.SelectorExpr)
	if !ok {
		return
	}
	s := v.source.info.Selections[e]
	if s == nil || s.Kind() != types.FieldVal || len(s.Index()) != 1 {
		return
	}
	t := s.Recv()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i := 1; i < fields.NumFields(); i++ {
		f := fields.Field((s.Index()[0] + i) % fields.NumFields())
		if types.Identical(f.Type(), s.Type()) && f.Name() != "_" &&
			(f.Exported() || f.Pkg() == v.source.types) {
			v.propose("field", e.Sel, f.Name())
			return
		}
	}
}

// variable uses another parameter or variable of the function with the same type: the one with the
// closest earlier declaration.
func variable(v *visit, n ast.Node) {
	id, ok := n.(*ast.Ident)
	if !ok {
		return
	}
	used, ok := v.source.info.Uses[id].(*types.Var)
	if !ok || used.IsField() || used.Parent() == nil || used.Parent() == v.source.types.Scope() ||
		used.Pkg() != v.source.types {
		return
	}
	var best *types.Var
	for s := v.scope(id.Pos()); s != nil && s != v.source.types.Scope(); s = s.Parent() {
		for _, name := range s.Names() {
			o, ok := s.Lookup(name).(*types.Var)
			if !ok || o.Pos() >= id.Pos() || name == id.Name ||
				!types.Identical(o.Type(), used.Type()) {
				continue
			}
			if _, at := s.LookupParent(name, id.Pos()); at != o {
				continue
			}
			if best == nil || o.Pos() > best.Pos() {
				best = o
			}
		}
	}
	if best != nil {
		v.propose("variable", id, best.Name())
	}
}

// scope returns the innermost scope around a position.
func (v *visit) scope(p token.Pos) *types.Scope {
	s := v.source.info.Scopes[v.file.tree]
	if s == nil {
		return nil
	}
	return s.Innermost(p)
}

// element omits a field of a composite literal.
func element(v *visit, n ast.Node) {
	l, ok := n.(*ast.CompositeLit)
	if !ok {
		return
	}
	t := v.typeOf(l)
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem() // an element of a slice of pointers, whose type is omitted
	}
	if _, ok := t.Underlying().(*types.Struct); !ok {
		return
	}
	for i, e := range l.Elts {
		if _, ok := e.(*ast.KeyValueExpr); ok {
			v.without("element", l.Elts, i)
		}
	}
}
