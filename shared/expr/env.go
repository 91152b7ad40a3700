package expr

// Root is a root with which a path starts.
type Root uint8

// The roots of both dialects. Default is the bare `$` of FlowV1: the default input of the step.
const (
	Input   Root = 1 << iota // $Input, $input
	Output                   // $Output
	Context                  // $Context, $context
	Global                   // $Global
	Item                     // $Item
	Local                    // $local
	Default                  // $
)

// Roots is a set of roots: the roots that exist at the place of an expression.
type Roots = Root

// Env is the environment of an evaluation.
type Env interface {
	// Root returns the value of a root: a JSON value, an Object, or Absent (FlowV1 only). An error
	// ends the evaluation, and Eval returns it unchanged, so that an Env can ask its caller for
	// values that are not loaded.
	Root(r Root) (any, error)
	// Random returns the 16 bytes of the next random draw. An evaluation that is repeated draws the
	// same bytes.
	Random() [16]byte
}

// Object is a JSON object whose members are built on demand ($Context).
type Object interface {
	// Member returns a member, which is a JSON value or an Object, or false if there is none. An
	// error ends the evaluation, and Eval returns it unchanged.
	Member(name string) (any, bool, error)
	// Value returns the whole object, which contains only JSON values.
	Value() (map[string]any, error)
}

// Absent is the value of a FlowV1 path that selects nothing.
type Absent struct{}

// materialize converts an Object to its value. It takes the results of an eval, so that it can be
// wrapped around the call.
func materialize(v any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	// The common types come first, because the check for Object is slower.
	case nil, string, bool, map[string]any, []any:
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
