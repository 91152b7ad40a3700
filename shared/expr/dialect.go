package expr

// dialect is all that differs between the expressions of the dialects, beside their paths: each
// parser of a path makes nodes of its own.
type dialect struct {
	singleQuotes bool   // a string may be written in single quotes
	chains       bool   // comparisons may be chained, from left to right
	functions    bool   // messages about operators that do not exist name functions to use instead
	noMinus      string // the error for a minus between operands

	operand func(p *parser) node // parses an operand of the operators
	compare func(op comparator, left, right node) node
	// truth returns the truth of a value, or false for ok if it has none.
	truth func(v any, b *Budget) (truth, ok bool, err error)
	// negateOther returns the negation of a value that is no number.
	negateOther func(v any) (any, error)
}

// stateMachine is the dialect of Parse. What has no meaning is an error.
var stateMachine = dialect{
	singleQuotes: true, chains: true, functions: true,
	noMinus: `there is no subtraction: use intAdd; a member "a-b" is selected as ["a-b"]`,
	operand: (*parser).postfixed,
	compare: func(op comparator, left, right node) node {
		return &compareNode{left, right, op}
	},
	truth: func(v any, _ *Budget) (truth, ok bool, err error) {
		truth, ok = v.(bool)
		return truth, ok, nil
	},
	negateOther: func(v any) (any, error) {
		return nil, failf("- takes a number, not %s", kindOf(v))
	},
}

// flowV1 is the dialect of ParsePath and ParseCondition. What has no meaning is absent or false.
var flowV1 = dialect{
	noMinus: "there is no subtraction",
	operand: (*parser).conditionPrimary,
	compare: func(op comparator, left, right node) node {
		return &compareNodeV1{compareNode{left, right, op}}
	},
	truth: func(v any, b *Budget) (truth, ok bool, err error) {
		truth, err = truthyV1(v, b)
		return truth, true, err
	},
	negateOther: func(any) (any, error) { return Absent{}, nil },
}
