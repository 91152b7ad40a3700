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
	fields   []Field     // of an object, in the order written; a later equal name replaces an earlier one
	items    []*Template // of an array
	kind     templateKind
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

// Constant is a template that gives v.
func Constant(v any) *Template { return &Template{constant: v} }

// Dynamic is a template that gives the value of e. A path of the older language that selects nothing gives null,
// or an error when the Budget is strict.
func Dynamic(e *Expr) *Template { return &Template{kind: dynamicTemplate, dynamic: e} }

// ObjectOf is a template of an object. It takes fields over. Of constants only, it is a constant itself.
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

// ArrayOf is a template of an array. It takes items over. Of constants only, it is a constant itself.
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

// ConstantValue gives the value of a template without expressions; false when there are any.
func (t *Template) ConstantValue() (any, bool) { return t.constant, t.kind == constantTemplate }

// ConstantField returns the value of an object's member that is a constant; false when there is
// none.
func (t *Template) ConstantField(name string) (v any, ok bool) {
	if object, is := t.constant.(map[string]any); is && t.kind == constantTemplate {
		v, ok = object[name]
		return v, ok
	}
	for _, f := range t.fields { // a later equal name replaces an earlier one
		if f.Name == name {
			v, ok = f.Value.ConstantValue()
		}
	}
	return v, ok
}

// Exprs gives the expressions inside the template, in the order written.
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

// Build makes the value, evaluating in the order written. The value shares structure with the template and with
// what env gave, and holds no Absent. The error is an *Error that names the member, or one of env, as it is.
func (t *Template) Build(env Env, b *Budget) (any, error) {
	v, err := t.build(env, b)
	if m, ok := err.(*templateError); ok {
		return nil, &Error{Source: m.source, Reason: m.reason, Member: strings.TrimPrefix(m.member, ".")}
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

// templateError is an error of this package on its way out of a template; it gathers the path to where it arose.
type templateError struct{ source, reason, member string }

func (m *templateError) Error() string { return m.reason }

// prependPath puts a step before the path of an error, unless it is one of the Env.
func prependPath(step string, err error) error {
	if m, ok := err.(*templateError); ok {
		m.member = step + m.member
	}
	return err
}

// memberPath writes a name as a path does.
func memberPath(name string) string {
	l := lexer{src: name}
	if l.word() && l.pos == len(name) {
		return "." + name
	}
	return "[" + value.Quote(name) + "]"
}
