// Package yamldoc parses a text that people write, a definition or a file of settings or of test
// cases, into a tree whose nodes know their places, and collects the diagnostics about it. It
// accepts YAML 1.2 with the core schema, and therefore JSON. It uses gopkg.in/yaml.v3, which is a
// parser of YAML 1.1, and rejects what editors show differently than that parser reads it.
package yamldoc

import "millrace/shared/value"

// Kind is the kind of a Node.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// String returns the name of the kind for messages.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "a mapping"}[k]
}

// Node is one value of a definition. It is immutable. An alias shares the node of its anchor.
type Node struct {
	Kind   Kind
	Line   int // from 1
	Column int // in characters, from 1
	// Text is the value of a string, the JSON text of a number, or true or false.
	Text   string
	source string  // of a number or boolean as written, if Text differs from it
	Items  []*Node // of a list
	Fields []Field // of a mapping, in the order written; keys are unique
}

// Field is one member of a mapping.
type Field struct {
	Key    string
	Line   int
	Column int
	Value  *Node
}

// Get returns the value of a key, or nil if the mapping has no such key or its value is null.
func (n *Node) Get(key string) *Node {
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			if v := n.Fields[i].Value; v.Kind != Null {
				return v
			}
			return nil
		}
	}
	return nil
}

// Has reports whether a mapping has a key, with any value.
func (n *Node) Has(key string) bool { return n.position(key) >= 0 }

// Before reports whether key a comes before key b in the text; true if b is missing.
func (n *Node) Before(a, b string) bool {
	second := n.position(b)
	return second < 0 || n.position(a) < second
}

func (n *Node) position(key string) int {
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return i
		}
	}
	return -1
}

// Int returns the integer of a number. It returns false for other kinds, for fractions and for
// integers beyond 64 bits.
func (n *Node) Int() (int64, bool) {
	if n.Kind != Number {
		return 0, false
	}
	return value.Int(value.Number(n.Text))
}

// Written returns the text of a string, a number or a boolean as the author wrote it: 007, not 7.
func (n *Node) Written() string {
	if n.source != "" {
		return n.source
	}
	return n.Text
}

// True reports whether the node is the boolean true.
func (n *Node) True() bool { return n.Kind == Bool && n.Text == "true" }

// Value returns the node as a JSON value.
func (n *Node) Value() any {
	switch n.Kind {
	case Bool:
		return n.True()
	case Number:
		return value.Number(n.Text)
	case String:
		return n.Text
	case List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Value()
		}
		return list
	case Map:
		object := make(map[string]any, len(n.Fields))
		for i := range n.Fields {
			object[n.Fields[i].Key] = n.Fields[i].Value.Value()
		}
		return object
	}
	return nil
}

// duplicate returns the index of the first field whose key an earlier field has, or -1.
func duplicate(fields []Field) int {
	const few = 12
	if len(fields) <= few {
		for i := range fields {
			for j := range fields[:i] {
				if fields[i].Key == fields[j].Key {
					return i
				}
			}
		}
		return -1
	}
	seen := make(map[string]struct{}, len(fields))
	for i := range fields {
		if _, ok := seen[fields[i].Key]; ok {
			return i
		}
		seen[fields[i].Key] = struct{}{}
	}
	return -1
}

// weight returns the size of a node's own text, for the bound on expanded aliases.
func (n *Node) weight() int {
	bytes := len(n.Text)
	for i := range n.Fields {
		bytes += len(n.Fields[i].Key)
	}
	return bytes
}
