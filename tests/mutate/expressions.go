package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// number changes a number by one; a large number by a factor, because one more or less is no
// typical slip.
func number(v *visit, n ast.Node) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.INT || v.ofBits() {
		return
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(l.Value, "_", ""), 0, 62)
	if err != nil {
		return
	}
	switch {
	case i == 0:
		i = 1
	case i < 10:
		i--
	default:
		i *= 10
	}
	v.propose("number", l, strconv.FormatInt(i, 10))
}

// ofBits reports whether the current literal is the base or bit size of a conversion.
func (v *visit) ofBits() bool {
	call, ok := v.parent().(*ast.CallExpr)
	return ok && strings.HasPrefix(v.function(call), "strconv.")
}

// constant uses another constant of the same type and package, or true for false.
func constant(v *visit, n ast.Node) {
	var id *ast.Ident
	switch e := n.(type) {
	case *ast.SelectorExpr:
		id = e.Sel
	case *ast.Ident:
		if _, ok := v.parent().(*ast.SelectorExpr); ok {
			return
		}
		id = e
	default:
		return
	}
	c, ok := v.source.info.Uses[id].(*types.Const)
	if !ok {
		return
	}
	if c.Pkg() == nil {
		if other := map[string]string{"true": "false", "false": "true"}[id.Name]; other != "" {
			v.propose("constant", n, other)
		}
		return
	}
	if other := v.sibling(c); other != "" {
		v.propose("constant", id, other)
	}
}

// sibling returns the name of the constant of the same type that is declared next in the package.
// The first one follows the last.
func (v *visit) sibling(c *types.Const) string {
	scope := c.Pkg().Scope()
	if c.Parent() != scope {
		return ""
	}
	var first, next *types.Const
	for _, name := range scope.Names() {
		o, ok := scope.Lookup(name).(*types.Const)
		if !ok || o == c || !types.Identical(o.Type(), c.Type()) ||
			c.Pkg() != v.source.types && !o.Exported() {
			continue
		}
		if first == nil || o.Pos() < first.Pos() {
			first = o
		}
		if o.Pos() > c.Pos() && (next == nil || o.Pos() < next.Pos()) {
			next = o
		}
	}
	switch {
	case next != nil:
		return next.Name()
	case first != nil:
		return first.Name()
	}
	return ""
}

// text empties a text of one word: a code, a key, a prefix. A text with spaces is a message.
func text(v *visit, n ast.Node) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING || len(l.Value) == 2 || strings.ContainsAny(l.Value, " %") {
		return
	}
	v.propose("text", l, `""`)
}

// arithmetic exchanges + and -, * and /.
func arithmetic(v *visit, n ast.Node) {
	others := map[token.Token]string{token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*",
		token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.INC: "--", token.DEC: "++"}
	switch e := n.(type) {
	case *ast.BinaryExpr:
		if others[e.Op] != "" && isNumber(v.typeOf(e)) {
			v.token("arithmetic", e, others[e.Op])
		}
	case *ast.AssignStmt:
		if others[e.Tok] != "" && isNumber(v.typeOf(e.Lhs[0])) {
			v.replace("arithmetic", e.TokPos, e.TokPos+2, others[e.Tok])
		}
	case *ast.IncDecStmt:
		v.replace("arithmetic", e.TokPos, e.TokPos+2, others[e.Tok])
	}
}

// extreme exchanges min and max.
func extreme(v *visit, n ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return
	}
	if other := map[string]string{"min": "max", "max": "min"}[v.builtin(call)]; other != "" {
		v.propose("extreme", call.Fun, other)
	}
}

// unwrapped omits a call whose result has the type of its argument: a clone, a bound, a sum of
// times.
func unwrapped(v *visit, n ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok || !v.value(call) {
		return
	}
	if s, ok := call.Fun.(*ast.SelectorExpr); ok && v.source.info.Selections[s] != nil {
		if types.Identical(v.typeOf(call), v.typeOf(s.X)) {
			v.propose("unwrapped", call, v.text(s.X))
			return
		}
	}
	if v.source.info.Types[call.Fun].IsType() || len(call.Args) == 0 {
		return
	}
	if types.Identical(v.typeOf(call), v.typeOf(call.Args[0])) {
		v.propose("unwrapped", call, v.text(call.Args[0]))
	}
}

// swapped swaps two neighbouring arguments of the same type.
func swapped(v *visit, n ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok || v.builtin(call) != "" {
		return
	}
	for i := 1; i < len(call.Args); i++ {
		a, b := call.Args[i-1], call.Args[i]
		if v.value(a) && v.value(b) && v.text(a) != v.text(b) &&
			types.Identical(v.typeOf(a), v.typeOf(b)) {
			v.replace("swapped", a.Pos(), b.End(), v.text(b)+", "+v.text(a))
		}
	}
}
