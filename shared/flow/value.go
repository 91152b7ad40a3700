package flow

import (
	"math"

	"millrace/shared/value"
)

// RefKind says where a value is stored.
type RefKind uint8

// The kinds of references. The numbers are part of the row format.
const (
	RefNone  RefKind = iota // not stored yet
	RefEvent                // in the field of a history event
	RefRow                  // in rows of its own
	RefClaim                // the input with which the execution was started
)

// Ref says where a value is stored.
type Ref struct {
	Kind    RefKind
	Event   int64  // RefEvent: the event's id
	Field   byte   // RefEvent: FieldInput, FieldLocal or FieldOutput
	Version int64  // RefRow: the version of the execution's row that its commit writes
	Token   uint64 // RefRow: fresh random number of the writer
	Len     int    // length of the value's text in bytes
}

// Fields of an event that hold values.
const (
	FieldInput byte = iota
	FieldLocal
	FieldOutput
)

// Value is a JSON value of an execution: its canonical text, its tree once it was needed, and where
// it is stored. States and events share a Value, so that it is stored once. Several goroutines may
// use a Value only after it is loaded and Tree has been called.
type Value struct {
	text    []byte
	tree    any
	decoded bool
	ref     Ref
}

// NewValue returns a value with this tree.
func NewValue(tree any) *Value {
	return &Value{text: value.Encode(tree), tree: tree, decoded: true}
}

// TextValue returns a value with this canonical text, and keeps the slice.
func TextValue(text []byte) *Value { return &Value{text: text} }

// ParsedValue returns a value with this canonical text and its tree. If tree is nil, Tree decodes
// the text on demand.
func ParsedValue(text []byte, tree any) *Value {
	return &Value{text: text, tree: tree, decoded: tree != nil}
}

// StoredValue returns a value that is not loaded.
func StoredValue(ref Ref) *Value { return &Value{ref: ref} }

// emptyObject is the text of an empty object.
var emptyObject = []byte("{}")

// Empty returns the value {}.
func Empty() *Value { return &Value{text: emptyObject, tree: map[string]any{}, decoded: true} }

// Loaded reports whether the text is loaded.
func (v *Value) Loaded() bool { return v.text != nil }

// Load sets the canonical text of a stored value.
func (v *Value) Load(text []byte) { v.text, v.ref.Len = text, len(text) }

// LoadParsed sets the canonical text of a stored value and its tree. If tree is nil, Tree decodes
// the text on demand.
func (v *Value) LoadParsed(text []byte, tree any) {
	v.Load(text)
	v.tree, v.decoded = tree, tree != nil
}

// Text returns the canonical text, or nil if the value is not loaded.
func (v *Value) Text() []byte { return v.text }

// Tree returns the decoded value. The value must be loaded.
func (v *Value) Tree() any {
	if !v.decoded {
		// The engine wrote this text within its own limits, so decoding must not fail now.
		tree, err := value.DecodeWithin(v.text, math.MaxInt)
		if err != nil {
			panic("flow: a stored value is no JSON: " + err.Error())
		}
		v.tree, v.decoded = tree, true
	}
	return v.tree
}

// Decoded returns the tree and true if the value is already decoded.
func (v *Value) Decoded() (any, bool) { return v.tree, v.decoded }

// DropTree frees the tree of a value of more than limit bytes; Tree decodes it again on demand. A
// tree takes many times the bytes of its text.
func (v *Value) DropTree(limit int) {
	if v.decoded && len(v.text) > limit {
		v.tree, v.decoded = nil, false
	}
}

// Object returns the tree as an object, or false if the value is not an object.
func (v *Value) Object() (map[string]any, bool) {
	if len(v.text) == 0 || v.text[0] != '{' {
		return nil, false
	}
	m, ok := v.Tree().(map[string]any)
	return m, ok
}

// IsObject reports whether a loaded value is an object, without decoding it.
func (v *Value) IsObject() bool { return len(v.text) > 0 && v.text[0] == '{' }

// Len returns the number of bytes of the text, also for a value that is not loaded.
func (v *Value) Len() int {
	if v.text == nil {
		return v.ref.Len
	}
	return len(v.text)
}

// Ref returns where the value is stored.
func (v *Value) Ref() Ref { return v.ref }

// SetRef records where the value is stored, or will be stored by the current commit.
func (v *Value) SetRef(r Ref) {
	r.Len = v.Len()
	v.ref = r
}
