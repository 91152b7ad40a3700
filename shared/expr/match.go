package expr

import (
	"regexp"
	"regexp/syntax"

	"millrace/shared/value"
)

// Bounds of regular expressions.
const (
	patternMax = 512   // bytes of a pattern
	programMax = 2_000 // instructions that it may become
)

// pattern is a compiled regular expression.
type pattern struct {
	re   *regexp.Regexp
	size int // about the number of its instructions
}

// compilePattern compiles a pattern of RE2 syntax; it refuses those that expand to large programs.
func compilePattern(text string) (pattern, error) {
	if len(text) > patternMax {
		return pattern{}, failf("regexMatchString: the pattern is longer than %d bytes", patternMax)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, badPattern(text, err)
	}
	size := programSize(tree)
	if size > programMax {
		return pattern{}, failf("regexMatchString: the pattern %s repeats too much", value.Quote(text))
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, badPattern(text, err)
	}
	return pattern{re, size}, nil
}

func badPattern(text string, err error) error {
	reason := err.Error()
	if e, ok := err.(*syntax.Error); ok {
		reason = e.Code.String()
	}
	return failf("regexMatchString: bad pattern %s: %s", value.Quote(text), reason)
}

// programSize estimates the instructions of a regular expression with its repetitions written out. The parser
// bounds both the text and the repetitions, so that the sum cannot overflow.
func programSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/16 // the ranges of a class
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size += 1 + programSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		times := re.Max
		if times < 0 {
			times = re.Min + 1
		}
		size *= max(times, 1)
	}
	return size
}

// matches looks for the pattern anywhere in text. The cost of a match grows with text and program.
func (p pattern) matches(text string, b *Budget) (bool, error) {
	if err := b.step(1 + len(text)*p.size/128); err != nil {
		return false, err
	}
	return p.re.MatchString(text), nil
}

// matchNode is regexMatchString with a constant pattern.
type matchNode struct {
	text    node
	pattern pattern
}

// newMatch compiles a constant pattern once and refuses a bad one.
func newMatch(args []node) (node, error) {
	c, ok := args[1].(*constantNode)
	if !ok {
		return &binaryNode{regexMatchString, args[0], args[1]}, nil
	}
	text, err := wantString("regexMatchString", "second", c.value)
	if err != nil {
		return nil, err
	}
	p, err := compilePattern(text)
	if err != nil {
		return nil, err
	}
	return &matchNode{args[0], p}, nil
}

func (n *matchNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(1); err != nil {
		return nil, err
	}
	v, err := whole(n.text.eval(env, b))
	if err != nil {
		return nil, err
	}
	text, err := wantString("regexMatchString", "first", v)
	if err != nil {
		return nil, err
	}
	return n.pattern.matches(text, b)
}

// regexMatchString is the function with a pattern that depends on data.
func regexMatchString(b *Budget, x, y any) (any, error) {
	text, err := wantString("regexMatchString", "first", x)
	if err != nil {
		return nil, err
	}
	source, err := wantString("regexMatchString", "second", y)
	if err != nil {
		return nil, err
	}
	if err := b.step(2 * min(len(source), patternMax)); err != nil {
		return nil, err
	}
	p, err := compilePattern(source)
	if err != nil {
		return nil, err
	}
	if err := b.step(p.size); err != nil {
		return nil, err
	}
	if err := b.grow(128 * p.size); err != nil {
		return nil, err
	}
	return p.matches(text, b)
}
