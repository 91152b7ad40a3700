// Package expr is the expression language of both flow languages: lexer, parser, evaluator. A parsed Expr is
// immutable and safe for many goroutines; evaluation does no I/O, reaches only what its Env hands it, and runs
// on a Budget.
package expr

// Expr is a parsed expression. It is immutable.
type Expr struct {
	source string
	root   node
	roots  Roots
	flowV1 bool // a path or condition of the older language

	context [][]string // see ContextPaths
}

// String gives the expression's text as it was written.
func (e *Expr) String() string { return e.source }

// Roots gives the roots that the expression mentions; an evaluation asks its Env for no other.
func (e *Expr) Roots() Roots { return e.roots }

// ContextPaths gives, for every selection from $Context of the newer language in the order of the text, the names of
// the members it goes through until a key that is not known before evaluation, or an index.
func (e *Expr) ContextPaths() [][]string { return e.context }

// Eval gives the value of the expression: a JSON value, or Absent for a path of the older language that selects
// nothing. What it gives may share structure with what env gave. The error is an *Error, or one of env, as it is.
func (e *Expr) Eval(env Env, b *Budget) (any, error) {
	v, err := e.run(env, b)
	if err != nil {
		return nil, e.located(err)
	}
	return v, nil
}

// Condition gives the truth of the expression. In the newer language the value must be a boolean; in the older
// one true, "true", "TRUE" and numbers other than 0 are true and everything else, Absent too, is false.
// Errors are those of Eval.
func (e *Expr) Condition(env Env, b *Budget) (bool, error) {
	v, err := e.run(env, b)
	if err != nil {
		return false, e.located(err)
	}
	if e.flowV1 {
		truth, err := truthyV1(v, b)
		return truth, e.located(err)
	}
	truth, ok := v.(bool)
	if !ok {
		return false, e.located(failf("a condition must give a boolean, not %s", kindOf(v)))
	}
	return truth, nil
}

func (e *Expr) run(env Env, b *Budget) (any, error) { return materialize(e.root.eval(env, b)) }

// located turns what a node complains about into an *Error of this expression; errors of the Env stay as they are.
func (e *Expr) located(err error) error {
	if f, ok := err.(failure); ok {
		return &Error{Source: e.source, Reason: string(f)}
	}
	return err
}
