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
	patternMax = 512   // maximum length of a pattern, in bytes
	programMax = 2_000 // maximum size of a compiled pattern, in instructions
)

// Costs of parsing a pattern, in steps. A step takes about as long as any other step.
const (
	byteWork     = 8       // for each byte of a pattern
	smallWork    = 64      // for a class like \W or [:alpha:] under (?i)
	unicodeWork  = 800     // for a class like \pL
	unicodeMax   = 8       // maximum number of such classes in one pattern
	readMax      = 150_000 // maximum cost of one pattern
	firstFolding = 0x41    // the first character that has another case
	lastFolding  = 0x1e943 // the last character that has another case
)

// foldFlag matches flags that make a pattern ignore case.
var foldFlag = regexp.MustCompile(`\(\?[a-zA-Z]*i`)

// readWork returns the cost of parsing a pattern, in steps, or an error if the cost exceeds
// readMax. The parser copies the ranges of each Unicode class, which are hundreds, and under (?i)
// it looks up each character of each range, so parsing 500 bytes could take a second. The cost is
// an upper bound that is computed without parsing: everything that looks like a class or a range
// counts as one.
func readWork(text string) (int, error) {
	if len(text) > patternMax {
		return 0, failf("regexMatchString: the pattern is longer than %d bytes", patternMax)
	}
	classes := strings.Count(text, `\p`) + strings.Count(text, `\P`)
	if classes > unicodeMax {
		return 0, failf("regexMatchString: the pattern %s has more than %d "+
			"Unicode classes like \\pL",
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
		return 0, failf("regexMatchString: the pattern %s has ranges of too many characters "+
			"for (?i): "+
			"put them in a part without it, as (?-i:[...])", value.Quote(text))
	}
	return work, nil
}

// foldedRange returns the maximum number of characters in a range that may have another case. A
// first character in ASCII may be the end of an escape, so it says nothing about where the range
// begins.
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
		last = 0o777 // the last character that any other escape can write
	}
	return max(0, int(min(last, lastFolding)-first)+1)
}

// pattern is a compiled regular expression.
type pattern struct {
	re   *regexp.Regexp
	size int // roughly the number of its instructions
}

// compilePattern compiles a pattern in RE2 syntax, after readWork has been charged. It rejects
// patterns that expand to large programs.
func compilePattern(text string) (pattern, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, badPattern(text, err)
	}
	size := programSize(tree)
	if size > programMax {
		return pattern{}, failf("regexMatchString: the pattern %s repeats too much",
			value.Quote(text))
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

// programSize estimates the number of instructions of a regular expression with its repetitions
// expanded. The parser bounds both the text and the repetitions, so the sum cannot overflow.
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

// matches reports whether the pattern occurs anywhere in text. The cost grows with the size of text
// and program.
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

// newMatch compiles a constant pattern once and rejects an invalid one.
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

// regexMatchString is the function with a pattern that is not constant.
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

// pattern compiles a pattern once for all evaluations on the budget.
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

// PatternBudget bounds the work of parsing the constant patterns of several expressions, such as
// those of one definition, because no evaluation pays for it. The zero value allows nothing.
type PatternBudget struct {
	Left int // steps
}

// DefaultPatternBudget returns a budget for hundreds of ordinary patterns. Using it up takes about
// a tenth of a second.
func DefaultPatternBudget() PatternBudget { return PatternBudget{Left: 500_000} }

var errPatterns error = failure(
	"regexMatchString: the regular expressions up to here take too much work to read: " +
		"use fewer, shorter ones, with fewer Unicode classes and no wide ranges under (?i)")

// charge charges for the pattern of a call, if it is a constant.
func (w *PatternBudget) charge(args []node) error {
	c, ok := args[1].(*constantNode)
	if !ok {
		return nil
	}
	text, ok := c.value.(string)
	if !ok {
		return nil // newMatch reports the error
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
