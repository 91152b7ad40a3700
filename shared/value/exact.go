package value

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Unmarshal is json.Unmarshal, but matches names of members exactly. encoding/json accepts "code"
// for a field named Code, and so reads something that the text does not say. Unmarshal checks the
// text like Decode. It ignores members that match no field; the last of several members of the same
// name counts.
func Unmarshal(text []byte, to any) error {
	if _, err := Decode(text); err != nil {
		return err
	}
	return unmarshal(text, to)
}

// UnmarshalLenient is Unmarshal without the checks of Decode: it accepts what encoding/json
// accepts. It is for envelopes that contain records of several origins, where one bad record must
// not block the others.
func UnmarshalLenient(text []byte, to any) error {
	if !json.Valid(text) {
		return json.Unmarshal(text, new(json.RawMessage)) // reports where the text is not JSON
	}
	return unmarshal(text, to)
}

func unmarshal(text []byte, to any) error {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("value: Unmarshal into %T", to)
	}
	return exactly(trimBlanks(text), v.Elem())
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	number          = reflect.TypeFor[json.Number]()
)

// exactly sets v, which must be settable, to the value of a valid text without blanks around it.
func exactly(text []byte, v reflect.Value) error {
	s := shapeOf(v.Type())
	if s.plain && !s.custom && setText(text, v) {
		return nil
	}
	if text[0] == 'n' || s.plain {
		return json.Unmarshal(text, v.Addr().Interface())
	}
	opening := byte('{')
	if v.Kind() == reflect.Slice {
		opening = '['
	}
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return exactly(text, v.Elem())
	case text[0] != opening:
		return json.Unmarshal(text, v.Addr().Interface()) // reports what the text is instead
	case v.Kind() == reflect.Slice:
		return exactList(text, v)
	case v.Kind() == reflect.Map:
		return exactMap(text, v)
	}
	return exactFields(text, v, s.fields)
}

// setText sets a string. It returns false if the text is not a string, or needs decoding.
func setText(text []byte, v reflect.Value) bool {
	if v.Kind() != reflect.String || len(text) < 2 || text[0] != '"' {
		return false
	}
	quoted := text[1 : len(text)-1]
	if bytes.IndexByte(quoted, '\\') >= 0 || !utf8.Valid(quoted) {
		return false
	}
	v.SetString(string(quoted))
	return true
}

// shapes caches the shape of each type.
var shapes sync.Map // reflect.Type → *shape

// shape is what is known about a type.
type shape struct {
	// plain says that encoding/json can decode the type: it contains no struct field that is
	// matched by name.
	plain  bool
	custom bool             // it has its own decoding method, or does not accept every text
	fields map[string][]int // of a struct: the index of each field (as in reflect) by name
}

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	p := reflect.PointerTo(t)
	own := t == number || p.Implements(unmarshaler) || p.Implements(textUnmarshaler)
	s := &shape{custom: own, plain: !named(t, 0)}
	if !s.plain && t.Kind() == reflect.Struct {
		s.fields = make(map[string][]int, t.NumField())
		addFields(t, nil, s.fields)
	}
	shapes.Store(t, s)
	return s
}

// named reports whether a type contains struct fields that are matched by name.
func named(t reflect.Type, depth int) bool {
	if reflect.PointerTo(t).Implements(unmarshaler) || depth > 16 {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return named(t.Elem(), depth+1)
	}
	return false
}

// exactList sets a slice. Like exactMap and exactFields, it continues after an error and returns
// the first one. json.Unmarshal does the same after a member of the wrong type.
func exactList(text []byte, v reflect.Value) error {
	list := reflect.MakeSlice(v.Type(), 0, 0)
	var first error
	for rest := inside(text); len(rest) > 0; {
		var item []byte
		item, rest = cutValue(rest)
		one := reflect.New(v.Type().Elem()).Elem()
		if err := exactly(item, one); err != nil && first == nil {
			first = fmt.Errorf("element %d: %w", list.Len(), err)
		}
		list = reflect.Append(list, one)
	}
	v.Set(list)
	return first
}

func exactMap(text []byte, v reflect.Value) error {
	m := reflect.MakeMap(v.Type())
	var first error
	for rest := inside(text); len(rest) > 0; {
		var name, member []byte
		name, member, rest = cutMember(rest)
		one := reflect.New(v.Type().Elem()).Elem()
		if err := exactly(member, one); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", name, err)
		}
		m.SetMapIndex(reflect.ValueOf(string(name)).Convert(v.Type().Key()), one)
	}
	v.Set(m)
	return first
}

func exactFields(text []byte, v reflect.Value, fields map[string][]int) error {
	var first error
	for rest := inside(text); len(rest) > 0; {
		var name, member []byte
		name, member, rest = cutMember(rest)
		index, ok := fields[string(name)]
		if !ok {
			continue
		}
		field := v.FieldByIndex(index)
		field.SetZero() // the last of several members of the same name counts
		if err := exactly(member, field); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", name, err)
		}
	}
	return first
}

// addFields adds the fields of a struct at an index by their names. The fields of an embedded
// struct are members of the outer object, unless the outer struct has a field of the same name.
func addFields(t reflect.Type, at []int, fields map[string][]int) {
	var embedded []reflect.StructField
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			embedded = append(embedded, field)
			continue
		case name == "-" || !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		if _, ok := fields[name]; !ok {
			fields[name] = slices.Concat(at, field.Index)
		}
	}
	for _, e := range embedded {
		addFields(e.Type, slices.Concat(at, e.Index), fields)
	}
}
