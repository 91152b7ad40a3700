// Package expr is the expression language of both flow languages: lexer, parser, evaluator. A parsed Expr is
// immutable and safe for many goroutines; evaluation does no I/O, reaches only what its Env hands it, and runs
// on a Budget.
package expr

import "millrace/shared/value"

// Root is a name that an expression starts a path with.
type Root uint8

// The roots of both languages. Default is the bare `$` of the old language: the step's default input.
const (
	Input   Root = 1 << iota // $Input, $input
	Output                   // $Output
	Context                  // $Context, $context
	Global                   // $Global
	Item                     // $Item
	Local                    // $local
	Default                  // $
)

// Roots is a set of roots: those that exist at the place where an expression stands.
type Roots = Root

// Env is what an evaluation can see.
type Env interface {
	// Root gives the value of a root: a JSON value, an Object, or Absent (old language only). An error ends
	// the evaluation and is returned by Eval as it is, so that a caller can ask for values that are not at hand.
	Root(r Root) (any, error)
	// Random gives 16 bytes for the next draw of this evaluation. The same evaluation, repeated, draws the same.
	Random() [16]byte
}

// Object is a JSON object whose members are made when they are asked for ($Context).
type Object interface {
	// Member gives a member; false when there is none.
	Member(name string) (any, bool, error)
	// Value gives the whole object.
	Value() (map[string]any, error)
}

// Absent is what a path of the old language gives when it selects nothing.
type Absent struct{}

// Error says why an expression cannot be parsed or evaluated.
type Error struct {
	Source string // the expression's text
	Offset int    // byte offset in Source; of a parse error only
	Reason string
	Member string // where in a Template the expression stands, like `body.user[0].name`; empty outside
}

func (e *Error) Error() string { return e.Reason + " in " + value.Quote(e.Source) }
