package expr

import (
	"fmt"
	"sort"
	"strings"

	"millrace/shared/value"
)

// Parse parses an expression of the StateMachine dialect: a condition, a constructor value or the
// source of items. It rejects all errors that do not depend on data: syntax errors, unknown
// functions and roots, roots that are not in roots, wrong numbers of arguments, functions nested
// deeper than CallDepthMax, invalid constant patterns, and texts longer than LengthMax.
func Parse(src string, roots Roots) (*Expr, *Error) {
	w := DefaultPatternBudget()
	return w.Parse(src, roots)
}

// Parse is like the function Parse, but charges constant patterns to w. Only one goroutine at a
// time may use w.
func (w *PatternBudget) Parse(src string, roots Roots) (*Expr, *Error) {
	p := newParser(src, roots, &stateMachine)
	p.patterns = w
	return p.finish(p.expression())
}

// rootNames are the roots of the StateMachine dialect.
var rootNames = map[string]Root{
	"$Input": Input, "$Output": Output, "$Context": Context, "$Global": Global, "$Item": Item,
}

// postfixed parses a primary and the selections after it.
func (p *parser) postfixed() node {
	from := p.tok.pos
	base := p.primary()
	path := &pathNode{base: base}
	end := p.textEnd()
	for p.err == nil && (p.at(".") || p.at("[")) {
		s := p.selection()
		s.of = p.src[from:end]
		path.steps = append(path.steps, s)
		end = p.textEnd()
	}
	if root, ok := base.(*rootNode); ok && root.root&(Input|Context|Global) != 0 {
		p.selections = append(p.selections, rootSelection{root.root, path.names()})
	}
	if len(path.steps) == 0 {
		return base
	}
	return path
}

// textEnd returns the offset of the end of the text before the current token.
func (p *parser) textEnd() int {
	return len(strings.TrimRight(p.src[:p.tok.pos], " \t\r\n"))
}

func (p *parser) selection() selection {
	if p.accept(".") {
		return p.memberAfterDot()
	}
	p.advance()
	key := p.nested(p.expression)
	if p.at(":") {
		p.fail(p.tok.pos, "slices such as [1:2] are not in the language")
	}
	p.expect("]")
	return newSelection(key)
}

func (p *parser) memberAfterDot() selection {
	t := p.tok
	if t.kind != wordToken {
		if p.err == nil {
			p.fail(t.pos, "a dot must be followed by the name of a member")
		}
		return selection{}
	}
	p.advance()
	return selection{kind: memberSelection, name: t.text}
}

func (p *parser) primary() node {
	if n, ok := p.literal(); ok {
		return n
	}
	switch {
	case p.tok.kind == rootToken:
		return p.root()
	case p.tok.kind == wordToken && p.tok.text != "in":
		return p.call()
	case p.accept("("):
		return p.parenthesized()
	case p.accept("["):
		return p.arrayLiteral()
	case p.accept("{"):
		return p.objectLiteral()
	}
	p.unexpected()
	return nil
}

func (p *parser) root() node {
	t := p.tok
	root, ok := rootNames[t.text]
	switch {
	case !ok:
		p.fail(t.pos, unknownRoot(t.text))
		return nil
	case p.roots&root == 0:
		p.fail(t.pos, t.text+" does not exist here")
		return nil
	}
	p.used |= root
	p.advance()
	return &rootNode{root: root, name: t.text}
}

func unknownRoot(text string) string {
	for name := range rootNames {
		if strings.EqualFold(name, text) {
			return "unknown root " + text + ": in this language it is written " + name
		}
	}
	return "unknown root " + text + ": paths start with $Input, $Output, $Context, $Global or $Item"
}

func (p *parser) call() node {
	name := p.tok
	p.advance()
	if !p.accept("(") {
		if p.err == nil {
			p.fail(name.pos, p.bareWord(name.text))
		}
		return nil
	}
	f, ok := functions[name.text]
	if !ok {
		p.fail(name.pos, unknownFunction(name.text))
		return nil
	}
	if p.calls++; p.calls > CallDepthMax {
		p.fail(name.pos, fmt.Sprintf("functions are nested deeper than %d levels", CallDepthMax))
	}
	var args []node
	p.list(")", func() { args = append(args, p.nested(p.expression)) })
	p.calls--
	return p.newCall(f, name, args)
}

// newCall returns the node of a call, if its arguments are valid.
func (p *parser) newCall(f function, name token, args []node) node {
	if p.err != nil {
		return nil
	}
	if len(args) < f.argsMin || f.argsMax >= 0 && len(args) > f.argsMax {
		p.fail(name.pos, fmt.Sprintf("%s takes %s, not %d", name.text, f.arity(), len(args)))
		return nil
	}
	if name.text == "regexMatchString" {
		if err := p.patterns.charge(args); err != nil {
			p.fail(name.pos, err.Error())
			return nil
		}
	}
	n, err := f.build(args)
	if err != nil {
		p.fail(name.pos, err.Error())
	}
	return n
}

func (p *parser) bareWord(word string) string {
	switch word {
	case "and", "or", "not":
		return "the logical operators are written &&, || and !"
	}
	return "unknown name " + value.Quote(word) +
		": a string is written in quotes, a path starts with $"
}

func unknownFunction(name string) string {
	known := make([]string, 0, len(functions))
	for f := range functions {
		if strings.EqualFold(f, name) {
			return "unknown function " + name + ": it is written " + f
		}
		known = append(known, f)
	}
	sort.Strings(known)
	return "unknown function " + name + ": there are " + strings.Join(known, ", ")
}

// objectLiteral parses an object literal after its opening brace.
func (p *parser) objectLiteral() node {
	var members []memberNode
	p.list("}", func() {
		key := p.nested(p.expression)
		p.expect(":")
		members = append(members, memberNode{key, p.nested(p.expression)})
	})
	return newObject(members)
}
