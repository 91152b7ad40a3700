package expr

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
	// Member gives a member: a JSON value or an Object; false when there is none. Its error ends the
	// evaluation and is returned by Eval as it is.
	Member(name string) (any, bool, error)
	// Value gives the whole object, with JSON values only inside.
	Value() (map[string]any, error)
}

// Absent is what a path of the old language gives when it selects nothing.
type Absent struct{}

// materialize replaces an Object by its value. It takes what an evaluation gave, so that it can be put around one.
func materialize(v any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case nil, string, bool, map[string]any, []any: // the common ones without a look at methods
		return v, nil
	}
	o, ok := v.(Object)
	if !ok {
		return v, nil
	}
	m, err := o.Value()
	if err != nil {
		return nil, err
	}
	return m, nil
}
