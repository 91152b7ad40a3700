package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// drop omits a statement: an assignment, a call, a send, a defer, a jump, or a return in the
// middle. If the right side of an assignment must be used, only the assignment is omitted.
func drop(v *visit, n ast.Node) {
	s, ok := n.(ast.Stmt)
	if !ok || !slices.Contains(v.siblings(), s) {
		return
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		v.dropAssignment(s)
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt,
		*ast.BranchStmt, *ast.ReturnStmt:
		v.propose("drop", s, "")
	}
}

func (v *visit) dropAssignment(s *ast.AssignStmt) {
	named := func(e ast.Expr) bool { return v.text(e) != "_" }
	if s.Tok == token.DEFINE || !slices.ContainsFunc(s.Lhs, named) {
		return
	}
	var right []string
	for _, e := range s.Rhs {
		right = append(right, v.text(e))
	}
	v.propose("drop", s, "", strings.Repeat("_, ", len(s.Lhs)-1)+"_ = "+strings.Join(right, ", "))
}

// siblings returns the statements of the current block.
func (v *visit) siblings() []ast.Stmt {
	switch p := v.parent().(type) {
	case *ast.BlockStmt:
		return p.List
	case *ast.CaseClause:
		return p.Body
	case *ast.CommClause:
		return p.Body
	}
	return nil
}

// once ends a loop after its first item.
func once(v *visit, n ast.Node) {
	var body *ast.BlockStmt
	switch s := n.(type) {
	case *ast.ForStmt:
		body = s.Body
	case *ast.RangeStmt:
		body = s.Body
	default:
		return
	}
	if len(body.List) == 0 {
		return
	}
	switch body.List[len(body.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return
	}
	v.replace("once", body.Rbrace, body.Rbrace, "; break ")
	v.proposals[len(v.proposals)-1].shown = n.Pos()
}

// jump exchanges continue and break.
func jump(v *visit, n ast.Node) {
	s, ok := n.(*ast.BranchStmt)
	if !ok || s.Tok != token.BREAK && s.Tok != token.CONTINUE {
		return
	}
	other := "break"
	if s.Tok == token.BREAK {
		other = "continue"
	}
	v.replace("jump", s.TokPos, s.TokPos+token.Pos(len(s.Tok.String())), other)
}

// alternative omits an else.
func alternative(v *visit, n ast.Node) {
	if s, ok := n.(*ast.IfStmt); ok && s.Else != nil {
		v.replace("else", s.Body.End(), s.Else.End(), "")
	}
}

// clause omits a case, or one of the values of a case.
func clause(v *visit, n ast.Node) {
	if c, ok := n.(*ast.CommClause); ok && len(v.siblings()) > 1 {
		v.propose("case", c, "")
	}
	c, ok := n.(*ast.CaseClause)
	if !ok {
		return
	}
	v.propose("case", c, "")
	for i := range c.List {
		if len(c.List) > 1 {
			v.without("case", c.List, i)
		}
	}
}

// without omits an element of a comma-separated list.
func (v *visit) without(op string, list []ast.Expr, i int) {
	switch {
	case len(list) == 1:
		v.propose(op, list[0], "")
	case i+1 < len(list):
		v.replace(op, list[i].Pos(), list[i+1].Pos(), "")
	default:
		v.replace(op, list[i-1].End(), list[i].End(), "")
	}
}

// nilError returns nil for an error.
func nilError(v *visit, n ast.Node) {
	s, ok := n.(*ast.ReturnStmt)
	if !ok {
		return
	}
	for _, e := range s.Results {
		if v.text(e) != "nil" && isError(v.typeOf(e)) {
			v.propose("nil-error", e, "nil")
		}
	}
}

// shadow declares a new variable where an existing one should be set.
func shadow(v *visit, n ast.Node) {
	s, ok := n.(*ast.AssignStmt)
	if !ok || s.Tok != token.ASSIGN {
		return
	}
	for _, e := range s.Lhs {
		if _, ok := e.(*ast.Ident); !ok {
			return
		}
	}
	v.replace("shadow", s.TokPos, s.TokPos+1, ":=")
}
