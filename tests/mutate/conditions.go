package main

import (
	"go/ast"
	"go/token"
)

// Opposites and neighbours of comparisons.
var (
	opposite = map[token.Token]string{token.EQL: "!=", token.NEQ: "==",
		token.LSS: ">=", token.GEQ: "<", token.GTR: "<=", token.LEQ: ">"}
	neighbour = map[token.Token]string{token.LSS: "<=", token.LEQ: "<",
		token.GTR: ">=", token.GEQ: ">"}
)

// negate inverts a comparison or another condition. It omits checks of errors, which branch
// changes: any test would notice their inversion.
func negate(v *visit, n ast.Node) {
	if e, ok := n.(*ast.BinaryExpr); ok && opposite[e.Op] != "" && !v.ofError(e) {
		v.token("negate", e, opposite[e.Op])
		return
	}
	e, ok := n.(ast.Expr)
	if !ok || !v.condition(e) {
		return
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if opposite[e.Op] != "" {
			return
		}
	case *ast.UnaryExpr:
		return
	}
	v.propose("negate", e, "!("+v.text(e)+")")
}

// boundary moves the edge of a comparison by one: < becomes <=.
func boundary(v *visit, n ast.Node) {
	if e, ok := n.(*ast.BinaryExpr); ok && neighbour[e.Op] != "" {
		v.token("boundary", e, neighbour[e.Op])
	}
}

// logic exchanges && and ||.
func logic(v *visit, n ast.Node) {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || e.Op != token.LAND && e.Op != token.LOR {
		return
	}
	other := "&&"
	if e.Op == token.LAND {
		other = "||"
	}
	v.propose("logic", e, "("+v.text(e.X)+" "+other+" "+v.text(e.Y)+")")
}

// operand omits one side of && or ||.
func operand(v *visit, n ast.Node) {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || e.Op != token.LAND && e.Op != token.LOR {
		return
	}
	v.propose("operand", e, v.text(e.X))
	v.propose("operand", e, v.text(e.Y))
}

// not omits a !.
func not(v *visit, n ast.Node) {
	if e, ok := n.(*ast.UnaryExpr); ok && e.Op == token.NOT {
		v.propose("not", e, v.text(e.X))
	}
}

// branch never or always takes an if, or a case of a switch without a tag.
func branch(v *visit, n ast.Node) {
	e, ok := n.(ast.Expr)
	if !ok || !v.condition(e) {
		return
	}
	if _, ok := v.parent().(*ast.ForStmt); ok {
		return
	}
	v.propose("skip", e, "false && ("+v.text(e)+")")
	if b, ok := e.(*ast.BinaryExpr); !ok || !v.ofError(b) {
		v.propose("always", e, "true || ("+v.text(e)+")")
	}
}

// condition reports whether e is the condition of an if, of a for, or of a case of a switch without
// a tag.
func (v *visit) condition(e ast.Expr) bool {
	switch p := v.parent().(type) {
	case *ast.IfStmt:
		return p.Cond == e
	case *ast.ForStmt:
		return p.Cond == e
	case *ast.CaseClause:
		s, ok := v.above[max(0, len(v.above)-3)].(*ast.SwitchStmt)
		return ok && s.Tag == nil && isBool(v.typeOf(e))
	}
	return false
}

// ofError reports whether e compares an error with nil.
func (v *visit) ofError(e *ast.BinaryExpr) bool {
	return (e.Op == token.EQL || e.Op == token.NEQ) && isError(v.typeOf(e.X)) &&
		v.text(e.Y) == "nil"
}

// token replaces the operator of an expression.
func (v *visit) token(op string, e *ast.BinaryExpr, text string) {
	v.replace(op, e.OpPos, e.OpPos+token.Pos(len(e.Op.String())), text)
}
