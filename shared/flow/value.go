package flow

import (
	"math"

	"millrace/shared/value"
)

// RefKind tells where a stored value stands.
type RefKind uint8

// The kinds. The numbers are part of the row format.
const (
	RefNone  RefKind = iota // not stored yet
	RefEvent                // in the field of a history event
	RefRow                  // in rows of its own
	RefClaim                // the input that the execution was started with
)

// Ref tells where a value is stored.
type Ref struct {
	Kind    RefKind
	Event   int64  // RefEvent: the event's id
	Field   byte   // RefEvent: FieldInput, FieldLocal or FieldOutput
	Version int64  // RefRow: the version that was to be committed
	Token   uint64 // RefRow: the writer's fresh token
	Len     int    // bytes of the value's text
}

// Fields of an event that hold values.
const (
	FieldInput byte = iota
	FieldLocal
	FieldOutput
)

// Value is a JSON value of an execution: its text in canonical form, its tree once somebody has asked for it, and
// where it is stored. States and events share one Value, so that it is stored once. A Value is not safe for
// use by several goroutines unless it is loaded and Tree has been called.
type Value struct {
	text    []byte
	tree    any
	decoded bool
	ref     Ref
}

// NewValue makes a value of a tree.
func NewValue(tree any) *Value {
	return &Value{text: value.Encode(tree), tree: tree, decoded: true}
}

// TextValue makes a value of a canonical text, which it keeps.
func TextValue(text []byte) *Value { return &Value{text: text} }

// ParsedValue makes a value of a canonical text and its tree; a nil tree is made when it is asked for.
func ParsedValue(text []byte, tree any) *Value {
	return &Value{text: text, tree: tree, decoded: tree != nil}
}

// StoredValue makes a value that is not loaded.
func StoredValue(ref Ref) *Value { return &Value{ref: ref} }

// EmptyObject is the text of an object without members.
var emptyObject = []byte("{}")

// Empty makes the value {}.
func Empty() *Value { return &Value{text: emptyObject, tree: map[string]any{}, decoded: true} }

// Loaded tells whether the text is at hand.
func (v *Value) Loaded() bool { return v.text != nil }

// Load gives a stored value its canonical text.
func (v *Value) Load(text []byte) { v.text, v.ref.Len = text, len(text) }

// LoadParsed gives a stored value its canonical text and its tree; a nil tree is made when it is asked for.
func (v *Value) LoadParsed(text []byte, tree any) {
	v.Load(text)
	v.tree, v.decoded = tree, tree != nil
}

// Text is the canonical text; nil when the value is not loaded.
func (v *Value) Text() []byte { return v.text }

// Tree is the decoded value. The value must be loaded.
func (v *Value) Tree() any {
	if !v.decoded {
		// The engine has made it, within its own limits: what was taken once is never refused
		// later.
		tree, err := value.DecodeWithin(v.text, math.MaxInt)
		if err != nil {
			panic("flow: a stored value is no JSON: " + err.Error())
		}
		v.tree, v.decoded = tree, true
	}
	return v.tree
}

// Decoded is the tree when it has been made already; false when it has not.
func (v *Value) Decoded() (any, bool) { return v.tree, v.decoded }

// DropTree drops the tree of a value of more bytes than most: it is made again when it is asked for. A tree takes many
// times the bytes of its text.
func (v *Value) DropTree(limit int) {
	if v.decoded && len(v.text) > limit {
		v.tree, v.decoded = nil, false
	}
}

// Object is the tree as an object; false when it is none.
func (v *Value) Object() (map[string]any, bool) {
	if len(v.text) == 0 || v.text[0] != '{' {
		return nil, false
	}
	m, ok := v.Tree().(map[string]any)
	return m, ok
}

// IsObject tells whether a loaded value is an object, without decoding it.
func (v *Value) IsObject() bool { return len(v.text) > 0 && v.text[0] == '{' }

// Len is the number of bytes of the text, known also when it is not loaded.
func (v *Value) Len() int {
	if v.text == nil {
		return v.ref.Len
	}
	return len(v.text)
}

// Ref tells where the value is stored.
func (v *Value) Ref() Ref { return v.ref }

// SetRef notes where the value is (about to be) stored.
func (v *Value) SetRef(r Ref) {
	r.Len = v.Len()
	v.ref = r
}
