package expr

import (
	"iter"
	"strconv"
	"strings"

	"millrace/shared/value"
)

// Template builds a JSON value from constants and expressions. It is immutable.
type Template struct {
	constant any
	dynamic  *Expr
	// fields are the members of an object, in the order written. A later field replaces an earlier
	// one of the same name.
	fields []Field
	items  []*Template // of an array
	kind   templateKind
}

type templateKind uint8

const (
	constantTemplate templateKind = iota
	dynamicTemplate
	objectTemplate
	arrayTemplate
)

// Field is one member of an object template.
type Field struct {
	Name  string
	Value *Template
}

// Constant returns a template that builds v.
func Constant(v any) *Template { return &Template{constant: v} }

// Dynamic returns a template that builds the value of e. A FlowV1 path that selects nothing builds
// null, or an error if the Budget is strict.
func Dynamic(e *Expr) *Template { return &Template{kind: dynamicTemplate, dynamic: e} }

// ObjectOf returns a template of an object. The caller must not change fields afterwards. If all
// fields are constants, the template is a constant.
func ObjectOf(fields []Field) *Template {
	object := make(map[string]any, len(fields))
	for _, f := range fields {
		if f.Value.kind != constantTemplate {
			return &Template{kind: objectTemplate, fields: fields}
		}
		object[f.Name] = f.Value.constant
	}
	return Constant(object)
}

// ArrayOf returns a template of an array. The caller must not change items afterwards. If all items
// are constants, the template is a constant.
func ArrayOf(items []*Template) *Template {
	array := make([]any, len(items))
	for i, item := range items {
		if item.kind != constantTemplate {
			return &Template{kind: arrayTemplate, items: items}
		}
		array[i] = item.constant
	}
	return Constant(array)
}

// ConstantValue returns the value of a template without expressions, or false if it has any.
func (t *Template) ConstantValue() (any, bool) { return t.constant, t.kind == constantTemplate }

// ConstantField returns the value of an object's constant member, or false if there is none.
func (t *Template) ConstantField(name string) (v any, ok bool) {
	if object, is := t.constant.(map[string]any); is && t.kind == constantTemplate {
		v, ok = object[name]
		return v, ok
	}
	for _, f := range t.fields { // a later field replaces an earlier one of the same name
		if f.Name == name {
			v, ok = f.Value.ConstantValue()
		}
	}
	return v, ok
}

// Names returns the names of the members that an object template builds, in no particular order.
func (t *Template) Names() (names []string) {
	if object, ok := t.constant.(map[string]any); ok && t.kind == constantTemplate {
		for name := range object {
			names = append(names, name)
		}
	}
	for _, f := range t.fields {
		names = append(names, f.Name)
	}
	return names
}

// Exprs returns the expressions of the template, in the order written.
func (t *Template) Exprs() iter.Seq[*Expr] {
	return func(yield func(*Expr) bool) { t.walk(yield) }
}

func (t *Template) walk(yield func(*Expr) bool) bool {
	if t.kind == dynamicTemplate {
		return yield(t.dynamic)
	}
	for _, f := range t.fields {
		if !f.Value.walk(yield) {
			return false
		}
	}
	for _, item := range t.items {
		if !item.walk(yield) {
			return false
		}
	}
	return true
}

// Build builds the value. It evaluates expressions in the order written. The value shares structure
// with the template and with values of env, and never contains Absent. The error is an *Error that
// names the member, or an unchanged error of env.
func (t *Template) Build(env Env, b *Budget) (any, error) {
	v, err := t.build(env, b)
	if m, ok := err.(*templateError); ok {
		return nil, &Error{Source: m.source, Reason: m.reason,
			Member: strings.TrimPrefix(m.member, ".")}
	}
	return v, err
}

func (t *Template) build(env Env, b *Budget) (any, error) {
	switch t.kind {
	case dynamicTemplate:
		return t.buildDynamic(env, b)
	case objectTemplate:
		return t.buildObject(env, b)
	case arrayTemplate:
		return t.buildArray(env, b)
	}
	return t.constant, nil
}

func (t *Template) buildDynamic(env Env, b *Budget) (any, error) {
	v, err := t.dynamic.run(env, b)
	if err == nil && isAbsent(v) {
		if b.OmitAbsent {
			return v, nil
		}
		if !b.Strict {
			return nil, nil
		}
		err = failure("the path selects nothing")
	}
	if f, ok := err.(failure); ok {
		return nil, &templateError{source: t.dynamic.source, reason: string(f)}
	}
	return v, err
}

func (t *Template) buildObject(env Env, b *Budget) (any, error) {
	object, err := b.object(len(t.fields))
	if err == nil {
		err = b.step(len(t.fields))
	}
	if err != nil {
		return nil, &templateError{reason: err.Error()}
	}
	for _, f := range t.fields {
		v, err := f.Value.build(env, b)
		if err != nil {
			return nil, prependPath(memberPath(f.Name), err)
		}
		if isAbsent(v) {
			delete(object, f.Name)
			continue
		}
		object[f.Name] = v
	}
	return object, nil
}

func (t *Template) buildArray(env Env, b *Budget) (any, error) {
	array, err := b.array(len(t.items))
	if err != nil {
		return nil, &templateError{reason: err.Error()}
	}
	if err := b.step(len(t.items)); err != nil {
		return nil, &templateError{reason: err.Error()}
	}
	for i, item := range t.items {
		v, err := item.build(env, b)
		if err != nil {
			return nil, prependPath("["+strconv.Itoa(i)+"]", err)
		}
		array = append(array, v)
	}
	return array, nil
}

// templateError is an error of this package on its way out of a template. It collects the path to
// its place.
type templateError struct{ source, reason, member string }

func (m *templateError) Error() string { return m.reason }

// prependPath prepends a step to the path of an error. It returns errors of the Env unchanged.
func prependPath(step string, err error) error {
	if m, ok := err.(*templateError); ok {
		m.member = step + m.member
	}
	return err
}

// memberPath formats a name as part of a path.
func memberPath(name string) string {
	l := lexer{src: name}
	if l.word() && l.pos == len(name) {
		return "." + name
	}
	return "[" + value.Quote(name) + "]"
}
