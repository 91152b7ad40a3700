package expr

import "millrace/shared/value"

// ParseCondition parses a condition of FlowV1. Its paths start with $, the input of the step. It
// reads only the root Default of an Env.
func ParseCondition(src string) (*Expr, *Error) {
	p := newParser(src, Default, &flowV1)
	return p.finish(p.expression())
}

// conditionPrimary parses an operand of FlowV1.
func (p *parser) conditionPrimary() node {
	if n, ok := p.literal(); ok {
		return n
	}
	switch {
	case p.tok.kind == rootToken:
		return p.conditionPath()
	case p.accept("("):
		return p.parenthesized()
	case p.accept("["):
		return p.arrayLiteral()
	case p.tok.kind == wordToken && p.tok.text != "in":
		p.fail(p.tok.pos, "unknown name "+value.Quote(p.tok.text)+
			": a string is written in quotes, a path starts with $")
		return nil
	}
	p.unexpected()
	return nil
}

// conditionPath parses a path whose root is the current token. It reads the rest from the text,
// because names in paths are not tokens of conditions.
func (p *parser) conditionPath() node {
	if p.tok.text != "$" {
		p.fail(p.tok.pos, "a condition reads the input only, as $.name, not "+p.tok.text+
			": map it first")
		return nil
	}
	steps, err := p.selectors()
	if err != nil {
		p.stop(err)
		return nil
	}
	p.used |= Default
	p.last = token{}
	p.advance()
	return newPathV1(Default, steps)
}
