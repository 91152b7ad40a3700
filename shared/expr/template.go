package expr

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

// Dynamic is a template that gives the value of e. A path of the older language that selects nothing gives null.
func Dynamic(e *Expr) *Template { return &Template{kind: dynamicTemplate, dynamic: e} }

// ObjectOf is a template of an object.
func ObjectOf(fields []Field) *Template { return &Template{kind: objectTemplate, fields: fields} }

// ArrayOf is a template of an array.
func ArrayOf(items []*Template) *Template { return &Template{kind: arrayTemplate, items: items} }
