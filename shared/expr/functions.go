package expr

import (
	"strconv"

	"millrace/shared/value"
)

// function is an entry in the table of functions.
type function struct {
	argsMin, argsMax int // number of arguments; argsMax is -1 if there is no limit
	build            func(args []node) (node, error)
}

// functions are the functions of the StateMachine dialect.
var functions = map[string]function{
	"format":           {1, -1, anyArguments(format)},
	"get":              {2, 2, twoArguments(get)},
	"intAdd":           {2, 2, twoArguments(intAdd)},
	"length":           {1, 1, oneArgument(length)},
	"randomInt":        {2, 2, newRandomInt},
	"regexMatchString": {2, 2, newMatch},
	"split":            {2, 2, twoArguments(split)},
	"arrayContains":    {2, 2, twoArguments(arrayContains)},
	"arrayUnique":      {1, 1, oneArgument(arrayUnique)},
	"toArray":          {0, -1, newToArray},
	"mapKeys":          {1, 1, oneArgument(mapKeys)},
	"mapValues":        {1, 1, oneArgument(mapValues)},
	"jsonMerge":        {2, 2, twoArguments(jsonMerge)},
	"jsonToString":     {1, 1, oneArgument(jsonToString)},
	"toJSON":           {1, 1, oneArgument(jsonToString)},
	"stringToJson":     {1, 1, oneArgument(stringToJSON)},
	"fromJSON":         {1, 1, oneArgument(stringToJSON)},
	"toBase64":         {1, 1, oneArgument(toBase64)},
	"fromBase64":       {1, 1, oneArgument(fromBase64)},
	"hash":             {2, 2, twoArguments(hash)},
	"uuid":             {0, 0, newUUID},
}

// arity describes how many arguments the function takes.
func (f function) arity() string {
	text := strconv.Itoa(f.argsMin)
	switch {
	case f.argsMax < 0:
		text = "at least " + text
	case f.argsMax == 0:
		text = "no"
	}
	if f.argsMin == 1 {
		return text + " argument"
	}
	return text + " arguments"
}

// unaryNode, binaryNode and variadicNode call a function with the values of their arguments. The
// values are never an Object.
type unaryNode struct {
	call func(b *Budget, x any) (any, error)
	arg  node
}

func oneArgument(call func(b *Budget, x any) (any, error)) func([]node) (node, error) {
	return func(args []node) (node, error) { return &unaryNode{call, args[0]}, nil }
}

func (n *unaryNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	x, err := materialize(n.arg.eval(env, b))
	if err != nil {
		return nil, err
	}
	return n.call(b, x)
}

type binaryNode struct {
	call          func(b *Budget, x, y any) (any, error)
	first, second node
}

func twoArguments(call func(b *Budget, x, y any) (any, error)) func([]node) (node, error) {
	return func(args []node) (node, error) { return &binaryNode{call, args[0], args[1]}, nil }
}

func (n *binaryNode) eval(env Env, b *Budget) (any, error) {
	x, y, err := evalPair(n.first, n.second, env, b)
	if err != nil {
		return nil, err
	}
	return n.call(b, x, y)
}

// evalPair returns the values of two arguments.
func evalPair(first, second node, env Env, b *Budget) (x, y any, err error) {
	if err = b.step(1); err != nil {
		return nil, nil, err
	}
	if x, err = materialize(first.eval(env, b)); err != nil {
		return nil, nil, err
	}
	y, err = materialize(second.eval(env, b))
	return x, y, err
}

type variadicNode struct {
	call func(b *Budget, args []any) (any, error)
	args []node
}

func anyArguments(call func(b *Budget, args []any) (any, error)) func([]node) (node, error) {
	return func(args []node) (node, error) { return &variadicNode{call, args}, nil }
}

func (n *variadicNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	values, err := evalAll(n.args, env, b)
	if err != nil {
		return nil, err
	}
	return n.call(b, values)
}

// newToArray compiles toArray to an array literal.
func newToArray(args []node) (node, error) { return newArray(args), nil }

// wrongArgument returns the error for an argument of the wrong kind.
func wrongArgument(function, position, want string, got any) error {
	return failf("%s takes %s as its %s argument, not %s", function, want, position, kindOf(got))
}

func wantString(function, position string, v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", wrongArgument(function, position, "a string", v)
	}
	return s, nil
}

func wantArray(function, position string, v any) ([]any, error) {
	a, ok := v.([]any)
	if !ok {
		return nil, wrongArgument(function, position, "an array", v)
	}
	return a, nil
}

func wantObject(function, position string, v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, wrongArgument(function, position, "an object", v)
	}
	return m, nil
}

func wantInt(function, position string, v any, b *Budget) (int64, error) {
	n, ok := v.(value.Number)
	if !ok {
		return 0, wrongArgument(function, position, "an integer", v)
	}
	i, ok, err := b.integer(n)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, failf("%s takes a 64-bit integer as its %s argument, not %s", function, position,
			clipped(string(n)))
	}
	return i, nil
}

// clipped shortens the text of a number for a message.
func clipped(number string) string {
	if len(number) > 40 {
		return number[:40] + "…"
	}
	return number
}
