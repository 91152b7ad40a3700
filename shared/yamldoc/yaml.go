package yamldoc

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// parseYAML parses one YAML document. bytesMax bounds its text after aliases are expanded.
func parseYAML(text []byte, bytesMax int, report *Report) (root *Node, fail *Problem) {
	ready, problem := prepare(text)
	if problem != nil {
		return nil, problem
	}
	report.warnText(ready.warnings)
	document, fail := decodeYAML(ready.bytes)
	if fail != nil {
		fail.Message, fail.Hint = ready.restore(fail.Message), ready.restore(fail.Hint)
		return nil, fail
	}
	ready.restoreTree(document)
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, noDocument()
	}
	c := converter{bytesMax: bytesMax, report: report}
	if questionMarks(ready.bytes) {
		c.lines = strings.Split(string(ready.bytes), "\n")
	}
	root, _ = c.node(document.Content[0], 1)
	return root, c.fail
}

// decodeYAML lets the YAML parser build its tree. The parser panics on some malformed texts;
// decodeYAML returns that as an error of the text.
func decodeYAML(text []byte) (document *yaml.Node, fail *Problem) {
	defer func() {
		if p := recover(); p != nil {
			fail = &Problem{Line: 1, Column: 1, Message: "the text is no valid YAML"}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	document = new(yaml.Node)
	if err := decoder.Decode(document); err != nil {
		return nil, yamlSyntaxError(err, decoder, text)
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{Line: second.Line, Column: second.Column,
			Message: "the text holds more than one YAML document"}
	case err != io.EOF:
		return nil, yamlSyntaxError(err, decoder, text)
	}
	return document, nil
}

// converter converts the parser's tree to Nodes. Nodes of anchors are shared, but their sizes count
// at each use.
type converter struct {
	anchors  map[*yaml.Node]*anchored
	nodes    int
	bytes    int
	bytesMax int
	fail     *Problem
	report   *Report
	warned   int
	lines    []string // of the text, if the parser may misread a question mark in it
}

// questionMarks reports whether a text has a question mark that may begin a key in braces or
// brackets: between it and a bracket, a brace or a comma there are only blanks and line breaks, and
// no blank follows it.
func questionMarks(text []byte) bool {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '?')
		if i < 0 {
			return false
		}
		at := from + i
		from = at + 1
		if from == len(text) || isBlank(text[from]) {
			continue
		}
		before := bytes.TrimRightFunc(text[max(0, at-blanksMax):at], unicode.IsSpace)
		if len(before) == 0 && at > 0 || bytes.ContainsAny(before[max(0, len(before)-1):], "[{,") {
			return true
		}
	}
}

// blanksMax bounds the work of questionMarks. A question mark after more blanks counts as one that
// may begin a key.
const blanksMax = 1 << 10

func isBlank(b byte) bool { return strings.IndexByte(" \t\n\f\r", b) >= 0 }

// question rejects a key in braces or brackets that begins with a question mark. The parser reads
// the mark as the sign of a key; YAML 1.2 and editors read it as part of the key's text.
func (c *converter) question(key *yaml.Node) bool {
	if c.lines == nil || key.Line < 1 || key.Line > len(c.lines) || key.Column < 2 {
		return false
	}
	runes := []rune(c.lines[key.Line-1])
	if key.Column-2 >= len(runes) || runes[key.Column-2] != '?' {
		return false
	}
	c.failAt(key, "put it in quotes", "a key in braces or brackets begins with a question mark")
	return true
}

// anchored is a node that aliases may name. node is nil while it is being converted.
type anchored struct {
	node         *Node
	nodes, bytes int
	depth        int
}

// node converts n at a depth (from 1) and returns the height of its tree. It returns nil once
// c.fail is set.
func (c *converter) node(n *yaml.Node, depth int) (*Node, int) {
	if depth > DepthMax {
		return nil, c.failAt(n, "", "nested deeper than %d levels", DepthMax)
	}
	if n.Kind == yaml.AliasNode {
		return c.alias(n, depth)
	}
	if n.Anchor == "" {
		return c.fresh(n, depth)
	}
	entry := &anchored{}
	if c.anchors == nil {
		c.anchors = make(map[*yaml.Node]*anchored)
	}
	c.anchors[n] = entry
	nodes, bytes := c.nodes, c.bytes
	node, height := c.fresh(n, depth)
	*entry = anchored{node: node, nodes: c.nodes - nodes, bytes: c.bytes - bytes, depth: height}
	return node, height
}

func (c *converter) alias(n *yaml.Node, depth int) (*Node, int) {
	entry := c.anchors[n.Alias]
	switch {
	case entry == nil || entry.node == nil:
		return nil, c.failAt(n, "", "the alias *%s names a value that it is part of", n.Value)
	case depth+entry.depth-1 > DepthMax:
		return nil, c.failAt(n, "", "nested deeper than %d levels", DepthMax)
	}
	if !c.count(n, entry.nodes, entry.bytes) {
		return nil, 0
	}
	return entry.node, entry.depth
}

func (c *converter) fresh(n *yaml.Node, depth int) (*Node, int) {
	node := &Node{Line: n.Line, Column: n.Column}
	height := 1
	switch n.Kind {
	case yaml.ScalarNode:
		c.scalar(n, node)
	case yaml.SequenceNode:
		height = c.list(n, node, depth)
	case yaml.MappingNode:
		height = c.mapping(n, node, depth)
	}
	if c.fail != nil || !c.count(n, 1, node.weight()) {
		return nil, 0
	}
	return node, height
}

func (c *converter) count(n *yaml.Node, nodes, bytes int) bool {
	c.nodes += nodes
	c.bytes += bytes
	if c.nodes > NodesMax {
		c.failAt(n, "", "more than %d values, aliases expanded", NodesMax)
	} else if c.bytes > c.bytesMax {
		c.failAt(n, "", "more than %d bytes, aliases expanded", c.bytesMax)
	}
	return c.fail == nil
}

func (c *converter) list(n *yaml.Node, node *Node, depth int) int {
	if !c.tag(n, "!!seq") {
		return 0
	}
	node.Kind = List
	node.Items = make([]*Node, 0, len(n.Content))
	tallest := 0
	for _, item := range n.Content {
		child, height := c.node(item, depth+1)
		if child == nil {
			return 0
		}
		tallest = max(tallest, height)
		node.Items = append(node.Items, child)
	}
	return tallest + 1
}

func (c *converter) mapping(n *yaml.Node, node *Node, depth int) int {
	if !c.tag(n, "!!map") {
		return 0
	}
	node.Kind = Map
	node.Fields = make([]Field, 0, len(n.Content)/2)
	tallest := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if n.Style&yaml.FlowStyle != 0 && c.question(key) || !c.key(key) {
			return 0
		}
		text := key.Value
		if key.Kind == yaml.AliasNode {
			text = key.Alias.Value
		}
		child, height := c.node(n.Content[i+1], depth+1)
		if child == nil {
			return 0
		}
		tallest = max(tallest, height)
		node.Fields = append(node.Fields, Field{Key: text, Line: key.Line, Column: key.Column,
			Value: child})
	}
	if i := duplicate(node.Fields); i >= 0 {
		c.failAt(n.Content[2*i], "", "the key %q stands twice in one mapping",
			short(node.Fields[i].Key))
		return 0
	}
	return tallest + 1
}

// key rejects keys that are not strings.
func (c *converter) key(key *yaml.Node) bool {
	if key.Kind == yaml.ScalarNode && key.Style == 0 && key.Value == "<<" {
		c.failAt(key, "write the members out", "merge keys (<<) are not part of YAML 1.2")
		return false
	}
	if key.Kind == yaml.AliasNode && key.Alias.Kind == yaml.ScalarNode {
		key = key.Alias
	}
	var node Node
	if key.Kind == yaml.ScalarNode {
		if key.Anchor != "" {
			c.keyAnchor(key)
		}
		c.scalar(key, &node)
	}
	if c.fail == nil && node.Kind != String {
		c.failAt(key, "put the key in quotes", "a key must be a string")
	}
	return c.fail == nil
}

// keyAnchor registers the anchor of a key.
func (c *converter) keyAnchor(key *yaml.Node) {
	if c.anchors == nil {
		c.anchors = make(map[*yaml.Node]*anchored)
	}
	node := &Node{Line: key.Line, Column: key.Column, Kind: String, Text: key.Value}
	c.anchors[key] = &anchored{node: node, nodes: 1, bytes: len(key.Value), depth: 1}
}

func (c *converter) scalar(n *yaml.Node, node *Node) {
	quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|
		yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tagged := n.Style&yaml.TaggedStyle != 0
	if quoted && !tagged || tagged && n.Tag == "!!str" {
		node.Kind, node.Text = String, n.Value
		return
	}
	kind, text, reason := Plain(n.Value)
	if reason != "" {
		c.failAt(n, "put it in quotes if text is meant", "%s", reason)
		return
	}
	node.Kind, node.Text = kind, text
	if text != n.Value && kind != Null {
		node.source = n.Value
	}
	if tagged {
		c.tagged(n, kind)
		return
	}
	c.warnAmbiguous(n, node)
}

// ambiguousMax is the maximum number of warnings about unquoted scalars.
const ambiguousMax = 20

// warnAmbiguous warns if readers may understand an unquoted scalar differently than the parser
// does.
func (c *converter) warnAmbiguous(n *yaml.Node, node *Node) {
	if c.warned == ambiguousMax {
		return
	}
	if message, hint := ambiguity(n.Value, node); message != "" {
		c.warned++
		c.report.Warn(node, nil, hint, "%s", message)
	}
}

// tagged checks an explicit tag against the kind that the text has without it.
func (c *converter) tagged(n *yaml.Node, kind Kind) {
	want := map[string]Kind{"!!int": Number, "!!float": Number, "!!bool": Bool, "!!null": Null}
	if k, ok := want[n.Tag]; !ok {
		c.unknownTag(n)
	} else if k != kind {
		c.failAt(n, "", "%q does not fit the tag %s", short(n.Value), n.Tag)
	}
}

func (c *converter) tag(n *yaml.Node, want string) bool {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != want {
		c.unknownTag(n)
		return false
	}
	return true
}

func (c *converter) unknownTag(n *yaml.Node) {
	hint := "deployment tools replace such tags before a definition is sent"
	if strings.HasPrefix(n.Tag, "!") && strings.ContainsAny(n.Tag, "$('") {
		hint = "an expression that begins with ! must be quoted: " + quoted(negation(n))
	}
	c.failAt(n, hint, "the tag %s is not known", short(n.Tag))
}

// negation returns the expression that YAML has read as a tag and a value, shortened.
func negation(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		return short(n.Tag)
	}
	return short(n.Tag + " " + n.Value)
}

// failAt records the first failure. It returns 0 as the height of the missing tree. Each of args
// that is a string repeats a part of the text.
func (c *converter) failAt(n *yaml.Node, hint, format string, args ...any) int {
	if c.fail == nil {
		c.fail = &Problem{Line: max(n.Line, 1), Column: max(n.Column, 1),
			Message: fmt.Sprintf(format, args...), Hint: hint, quote: quoteIn(args)}
	}
	return 0
}

// short shortens a text for a message.
func short(s string) string {
	const lengthMax = 64
	if len(s) <= lengthMax {
		return s
	}
	return strings.ToValidUTF8(s[:lengthMax], "") + "…"
}
