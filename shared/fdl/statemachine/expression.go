package statemachine

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/shared/expr"
	"millrace/shared/yamldoc"
)

// suffix marks a key whose value is an expression.
const suffix = ".$"

// unsuffix removes the suffix from a key.
func unsuffix(key string) (string, bool) { return strings.CutSuffix(key, suffix) }

// nestingMax is the maximum depth of nested function calls.
const nestingMax = 10

var rootNames = []string{"$Input", "$Output", "$Context", "$Global", "$Item"}

// expression parses an expression that may use the given roots. It returns nil after an error.
func (c *compiler) expression(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots) *expr.Expr {
	e, err := c.patterns.Parse(n.Text, roots)
	if err == nil {
		c.checkContextPaths(e, n, path)
		c.recordReads(e, n, path)
		return e
	}
	rule, hint := c.violatedRule(n.Text, path, err)
	c.ErrorIn(rule, n, err.Offset, path, hint, "%s", err.Error())
	return nil
}

// violatedRule returns the rule that an expression violates. An expression that would parse if
// every root existed violates V19.
func (c *compiler) violatedRule(text string, path *yamldoc.Path, err *expr.Error) (rule,
	hint string) {
	if nesting(text) > nestingMax {
		return "V20", "build the value in two states"
	}
	if _, other := c.patterns.Parse(text, rootsOutput|expr.Item); other == nil {
		return "V19", "$Output exists in OutputConstructor and GlobalConstructor, " +
			"$Item in ItemConstructor"
	}
	if root := rootAt(text, err.Offset); root != "" {
		return "V15", c.Suggest(root, rootNames)
	}
	if strings.HasSuffix(path.String(), suffix) && !strings.ContainsAny(text, "$(\"'`") {
		return "V15", "a constant stands under a key without the suffix .$"
	}
	return "V15", ""
}

// rootAt returns the `$name` at an offset, or "".
func rootAt(text string, offset int) string {
	if offset < 0 || offset >= len(text) || text[offset] != '$' {
		return ""
	}
	end := offset + 1
	for end < len(text) && identifier(rune(text[end])) {
		end++
	}
	return text[offset:end]
}

// nesting returns the depth of nested function calls in a text, valid or not: it skips strings, and
// counts a parenthesis after an identifier as a call.
func nesting(text string) int {
	deepest, depth := 0, 0
	var open []bool
	var last rune
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch r {
		case '"', '\'', '`':
			i = skipString(text, i, r)
		case '(':
			open = append(open, identifier(last))
			if identifier(last) {
				depth++
				deepest = max(deepest, depth)
			}
		case ')':
			if len(open) > 0 {
				if open[len(open)-1] {
					depth--
				}
				open = open[:len(open)-1]
			}
		}
		if !unicode.IsSpace(r) {
			last = r
		}
	}
	return deepest
}

// skipString returns the offset after the string whose opening quote is just before i.
func skipString(text string, i int, quote rune) int {
	for ; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote != '`':
			i++
		case rune(text[i]) == quote:
			return i + 1
		}
	}
	return len(text)
}

func identifier(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// startsWithRoot reports whether a string starts with the name of a root.
func startsWithRoot(s string) bool {
	if s == "" || s[0] != '$' {
		return false
	}
	for _, name := range rootNames {
		if rest, ok := strings.CutPrefix(s, name); ok {
			r, _ := utf8.DecodeRuneInString(rest)
			if rest == "" || !identifier(r) {
				return true
			}
		}
	}
	return false
}

// constant warns of a constant that may be meant as an expression: it begins with a root, in any
// case, or calls a function.
func (c *compiler) constant(n *yamldoc.Node, path *yamldoc.Path, hint string) {
	if n.Kind != yamldoc.String {
		return
	}
	text := strings.TrimSpace(n.Text)
	if rootInAnyCase(text) || c.isCall(text) {
		c.Warn(n, path, hint, "is a constant, its text is not evaluated")
	}
}

func rootInAnyCase(text string) bool {
	root := rootAt(text, 0)
	for _, name := range rootNames {
		if strings.EqualFold(root, name) {
			return true
		}
	}
	return false
}

// isCall reports whether a text is an expression that begins with a call and ends with a
// parenthesis.
func (c *compiler) isCall(text string) bool {
	name, rest, ok := strings.Cut(text, "(")
	other := func(r rune) bool { return !identifier(r) }
	if !ok || name == "" || !strings.HasSuffix(rest, ")") || strings.ContainsFunc(name, other) {
		return false
	}
	_, err := c.patterns.Parse(text, rootsOutput|expr.Item)
	return err == nil
}

// dynamic returns the template of an expression; after an error a placeholder.
func (c *compiler) dynamic(n *yamldoc.Node, path *yamldoc.Path, roots expr.Roots) *expr.Template {
	if e := c.expression(n, path, roots); e != nil {
		return expr.Dynamic(e)
	}
	return expr.Constant(nil)
}
