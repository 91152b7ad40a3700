// Package expr implements the expressions of both dialects: lexer, parser and evaluator. A parsed
// Expr is immutable, so any number of goroutines may use it. Evaluation does no I/O, reads only its
// Env, and is bounded by a Budget.
package expr

// Expr is a parsed expression. It is immutable.
type Expr struct {
	source  string
	root    node
	roots   Roots
	dialect *dialect

	selections []rootSelection // see Selections
}

// String returns the text of the expression as written.
func (e *Expr) String() string { return e.source }

// Roots returns the roots that the expression uses. An evaluation reads no others from its Env.
func (e *Expr) Roots() Roots { return e.roots }

// Selections returns one list of names for each use of a root, in the order of the text: the
// members that are selected from it, up to an index or a key that is known only at evaluation. The
// list of a root that is used whole is empty. It knows the roots Input, Context and Global of
// StateMachine, and those of a FlowV1 path.
func (e *Expr) Selections(root Root) (lists [][]string) {
	for _, s := range e.selections {
		if s.root == root {
			lists = append(lists, s.names)
		}
	}
	return lists
}

// rootSelection is what an expression selects from a root.
type rootSelection struct {
	root  Root
	names []string
}

// AlwaysTrue reports whether the expression, as a condition, is a constant that is true.
func (e *Expr) AlwaysTrue() bool {
	c, ok := e.root.(*constantNode)
	if !ok {
		return false
	}
	truth, ok, err := e.dialect.truth(c.value, &Budget{Nodes: 1, Bytes: 1 << 10})
	return truth && ok && err == nil
}

// Eval returns the value of the expression: a JSON value, or Absent for a FlowV1 path that selects
// nothing. The value may share structure with values of env. The error is an *Error, or an
// unchanged error of env.
func (e *Expr) Eval(env Env, b *Budget) (any, error) {
	v, err := e.run(env, b)
	if err != nil {
		return nil, e.located(err)
	}
	return v, nil
}

// Condition returns the truth of the expression. In the StateMachine dialect the value must be a
// boolean. In FlowV1, true, "true", "TRUE" and numbers other than 0 are true; everything else is
// false, Absent included. Errors are those of Eval.
func (e *Expr) Condition(env Env, b *Budget) (bool, error) {
	v, err := e.run(env, b)
	if err != nil {
		return false, e.located(err)
	}
	truth, ok, err := e.dialect.truth(v, b)
	if !ok {
		err = failf("a condition must give a boolean, not %s", kindOf(v))
	}
	return truth, e.located(err)
}

func (e *Expr) run(env Env, b *Budget) (any, error) { return materialize(e.root.eval(env, b)) }

// located converts a failure of a node to an *Error of this expression. It returns errors of the
// Env unchanged.
func (e *Expr) located(err error) error {
	if f, ok := err.(failure); ok {
		return &Error{Source: e.source, Reason: string(f)}
	}
	return err
}
