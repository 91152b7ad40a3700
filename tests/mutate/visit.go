package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

// proposal is a change that an operator proposes. The first of its edits that compiles counts.
type proposal struct {
	op    string
	edits []edit
	shown token.Pos // the place to show, if it is not the place of the change
}

// visit walks through a function and calls each operator for each node.
type visit struct {
	source    *source
	file      *file
	top       ast.Node
	above     []ast.Node // from the top down to the parent of the current node
	proposals []proposal
}

// operator proposes changes of a node.
type operator func(v *visit, n ast.Node)

// operators lists all operators; --help describes them.
var operators = []operator{
	negate, boundary, logic, operand, not, branch,
	drop, once, jump, alternative, clause, nilError, shadow,
	number, constant, text, arithmetic, extreme, unwrapped, swapped,
	field, variable, element,
}

func (v *visit) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			v.above = v.above[:len(v.above)-1]
			return true
		}
		if v.leaveOut(n) {
			return false
		}
		for _, o := range operators {
			o(v, n)
		}
		v.above = append(v.above, n)
		return true
	})
}

// leaveOut reports whether a node gets no mutants: logs, panics and texts of errors, which people
// read; capacities, which only affect speed; and types.
func (v *visit) leaveOut(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ExprStmt:
		call, ok := n.X.(*ast.CallExpr)
		return ok && (v.logs(call) || v.builtin(call) == "panic")
	case *ast.CallExpr:
		name := v.function(n)
		return v.logs(n) || name == "fmt.Errorf" || name == "errors.New"
	case *ast.StructType, *ast.InterfaceType, *ast.FuncType, *ast.ArrayType, *ast.MapType,
		*ast.ChanType:
		return true
	case ast.Expr:
		call, ok := v.parent().(*ast.CallExpr)
		return ok && v.builtin(call) == "make" && v.capacity(call, n)
	}
	return false
}

// capacity reports whether an argument of make only sets the initial capacity.
func (v *visit) capacity(call *ast.CallExpr, arg ast.Expr) bool {
	if len(call.Args) < 2 || arg != call.Args[len(call.Args)-1] {
		return false
	}
	_, isMap := v.typeOf(call).Underlying().(*types.Map)
	return isMap || len(call.Args) == 3
}

func (v *visit) parent() ast.Node {
	if len(v.above) == 0 {
		return nil
	}
	return v.above[len(v.above)-1]
}

// propose replaces a node.
func (v *visit) propose(op string, n ast.Node, texts ...string) {
	v.replace(op, n.Pos(), n.End(), texts...)
}

// replace replaces the text between two positions by the first of texts that compiles.
func (v *visit) replace(op string, from, to token.Pos, texts ...string) {
	p := proposal{op: op}
	for _, t := range texts {
		p.edits = append(p.edits, edit{v.offset(from), v.offset(to), t})
	}
	v.proposals = append(v.proposals, p)
}

func (v *visit) offset(p token.Pos) int { return int(p - v.file.tree.FileStart) }

// text returns the text of a node in the file.
func (v *visit) text(n ast.Node) string {
	return string(v.file.text[v.offset(n.Pos()):v.offset(n.End())])
}

// typeOf returns the type of e; it never returns nil.
func (v *visit) typeOf(e ast.Expr) types.Type {
	if t := v.source.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// value reports whether e is a value, not a type, a package or a function without results.
func (v *visit) value(e ast.Expr) bool { return v.source.info.Types[e].IsValue() }

// builtin returns the name of the called built-in function, or "".
func (v *visit) builtin(call *ast.CallExpr) string {
	if id, ok := call.Fun.(*ast.Ident); ok {
		if b, ok := v.source.info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// function returns the full name of the called function or method, or "".
func (v *visit) function(call *ast.CallExpr) string {
	var id *ast.Ident
	switch f := call.Fun.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return ""
	}
	if f, ok := v.source.info.Uses[id].(*types.Func); ok {
		return f.FullName()
	}
	return ""
}

// logs reports whether a call writes to the log.
func (v *visit) logs(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := v.source.info.Uses[s.Sel].(*types.Func)
	return ok && f.Pkg() != nil && f.Pkg().Path() == "log/slog"
}

// isError reports whether t is the type error.
func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

func isBool(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

func isNumber(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsNumeric != 0
}
