package expr

// Expr is a parsed expression.
type Expr struct{ source string }

// String gives the expression's text.
func (e *Expr) String() string { return e.source }
