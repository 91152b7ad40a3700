package expr

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// Bounds of regular expressions.
const (
	patternMax = 512   // bytes of a pattern
	programMax = 2_000 // instructions that it may become
)

// What reading a pattern is charged: one step takes about as long as any other.
const (
	byteWork     = 8       // a byte of a pattern
	smallWork    = 64      // a class like \W or [:alpha:] under (?i)
	unicodeWork  = 800     // a class like \pL
	unicodeMax   = 8       // of those in one pattern
	readMax      = 150_000 // steps for one pattern
	firstFolding = 0x41    // of the characters that have another case
	lastFolding  = 0x1e943 // of them
)

// foldFlag matches flags that make letters match in either case.
var foldFlag = regexp.MustCompile(`\(\?[a-zA-Z]*i`)

// readWork is how many steps reading a pattern is charged; an error when it is too much for any.
// The parser copies the ranges of each Unicode class, hundreds, and under (?i) looks up each
// character of each range, so 500 bytes could take a second. It is an upper bound, made without
// parsing: what looks like a class or a range counts as one.
func readWork(text string) (int, error) {
	if len(text) > patternMax {
		return 0, failf("regexMatchString: the pattern is longer than %d bytes", patternMax)
	}
	classes := strings.Count(text, `\p`) + strings.Count(text, `\P`)
	if classes > unicodeMax {
		return 0, failf("regexMatchString: the pattern %s has more than %d Unicode classes like \\pL",
			value.Quote(text), unicodeMax)
	}
	work := byteWork*len(text) + unicodeWork*classes
	if foldFlag.MatchString(text) {
		for _, class := range [...]string{`\D`, `\d`, `\W`, `\w`, `\S`, `\s`, `[:`} {
			work += smallWork * strings.Count(text, class)
		}
		for i := 1; i < len(text)-1; i++ {
			if text[i] == '-' {
				work += foldedRange(text[:i], text[i+1:])
			}
		}
	}
	if work > readMax {
		return 0, failf("regexMatchString: the pattern %s has ranges of too many characters for (?i): "+
			"put them in a part without it, as (?-i:[...])", value.Quote(text))
	}
	return work, nil
}

// foldedRange is how many characters a range has at most that may have another case. Only a first
// character beyond ASCII is what it looks like: any other may end an escape.
func foldedRange(before, after string) int {
	first, _ := utf8.DecodeLastRuneInString(before)
	if first < utf8.RuneSelf {
		first = firstFolding
	}
	last, _ := utf8.DecodeRuneInString(after)
	if hex, ok := strings.CutPrefix(after, `\x{`); ok {
		digits, _, _ := strings.Cut(hex, "}")
		n, err := strconv.ParseUint(digits, 16, 32)
		if err != nil || n > lastFolding {
			n = lastFolding
		}
		last = rune(n)
	} else if last == '\\' {
		last = 0o777 // the last that another escape can write
	}
	return max(0, int(min(last, lastFolding)-first)+1)
}

// pattern is a compiled regular expression.
type pattern struct {
	re   *regexp.Regexp
	size int // about the number of its instructions
}

// compilePattern compiles a pattern of RE2 syntax, whose readWork has been charged; it refuses those
// that expand to large programs.
func compilePattern(text string) (pattern, error) {
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
	v, err := materialize(n.text.eval(env, b))
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
	p, err := b.pattern(source)
	if err != nil {
		return nil, err
	}
	return p.matches(text, b)
}

// pattern compiles a pattern, once for all evaluations on the budget.
func (b *Budget) pattern(text string) (pattern, error) {
	if err := b.scan(min(len(text), patternMax)); err != nil {
		return pattern{}, err
	}
	if p, ok := b.patterns[text]; ok {
		return p, nil
	}
	work, err := readWork(text)
	if err != nil {
		return pattern{}, err
	}
	if err := b.step(work); err != nil {
		return pattern{}, err
	}
	p, err := compilePattern(text)
	if err != nil {
		return pattern{}, err
	}
	if err := b.step(p.size); err != nil {
		return pattern{}, err
	}
	if err := b.grow(128 * p.size); err != nil {
		return pattern{}, err
	}
	if b.patterns == nil {
		b.patterns = make(map[string]pattern)
	}
	b.patterns[text] = p
	return p, nil
}

// PatternBudget bounds the work that reading the constant patterns of several expressions takes, such as
// those of a definition, which no evaluation pays for. The zero value allows none.
type PatternBudget struct {
	Left int // steps
}

// DefaultPatternBudget is enough for hundreds of ordinary patterns; to use it up takes about a tenth of a
// second.
func DefaultPatternBudget() PatternBudget { return PatternBudget{Left: 500_000} }

var errPatterns error = failure("regexMatchString: the regular expressions up to here take too much work to read: " +
	"use fewer, shorter ones, with fewer Unicode classes and no wide ranges under (?i)")

// charge charges for the pattern of a call, if it is a constant.
func (w *PatternBudget) charge(args []node) error {
	c, ok := args[1].(*constantNode)
	if !ok {
		return nil
	}
	text, ok := c.value.(string)
	if !ok {
		return nil // newMatch says so
	}
	work, err := readWork(text)
	if err != nil {
		return err
	}
	if w.Left -= work; w.Left < 0 {
		w.Left = 0
		return errPatterns
	}
	return nil
}
