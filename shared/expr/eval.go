package expr

import "iter"

// Expr is a parsed expression.
type Expr struct{ source string }

// String gives the expression's text.
func (e *Expr) String() string { return e.source }

// Parse parses an expression of the newer language.
func Parse(src string, roots Roots) (*Expr, *Error) { return &Expr{source: src}, nil }

// ParsePath parses a path of the older language.
func ParsePath(src string, roots Roots) (*Expr, *Error) { return &Expr{source: src}, nil }

// ParseCondition parses a condition of the older language.
func ParseCondition(src string) (*Expr, *Error) { return &Expr{source: src}, nil }

// Eval gives the value of the expression.
func (e *Expr) Eval(env Env, b *Budget) (any, error) { return nil, &Error{Source: e.source} }

// Condition gives the truth of the expression.
func (e *Expr) Condition(env Env, b *Budget) (bool, error) { return false, &Error{Source: e.source} }

// Roots gives the roots that the expression mentions.
func (e *Expr) Roots() Roots { return 0 }

// Build makes the value.
func (t *Template) Build(env Env, b *Budget) (any, error) { return t.constant, nil }

// ConstantValue gives the value of a template without expressions.
func (t *Template) ConstantValue() (any, bool) { return t.constant, t.kind == constantTemplate }

// Exprs gives the expressions inside the template.
func (t *Template) Exprs() iter.Seq[*Expr] { return func(func(*Expr) bool) {} }
