package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Unmarshal is json.Unmarshal with names of members matched exactly: encoding/json takes "code" for
// a field of the name Code, which reads a text as something that it does not say. The text is
// checked as Decode does. Members of a struct that are named otherwise are left alone.
func Unmarshal(text []byte, to any) error {
	if _, err := Decode(text); err != nil {
		return err
	}
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("value: Unmarshal into %T", to)
	}
	return exactly(text, v.Elem())
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// exactly sets v, which can be set, to the value of a valid text.
func exactly(text []byte, v reflect.Value) error {
	if !named(v.Type(), 0) {
		return json.Unmarshal(text, v.Addr().Interface())
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return json.Unmarshal(text, v.Addr().Interface())
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return exactly(text, v.Elem())
	case reflect.Slice:
		return exactList(text, v)
	case reflect.Map:
		return exactMap(text, v)
	}
	return exactFields(text, v)
}

// named reports whether a type has struct fields that are matched by name.
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

func exactList(text []byte, v reflect.Value) error {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return err
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := exactly(item, list.Index(i)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func exactMap(text []byte, v reflect.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	m := reflect.MakeMapWithSize(v.Type(), len(members))
	for name, member := range members {
		one := reflect.New(v.Type().Elem()).Elem()
		if err := exactly(member, one); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), one)
	}
	v.Set(m)
	return nil
}

// exactFields sets the fields of a struct. As json.Unmarshal does, it goes on behind a member of
// another type and returns the first such error.
func exactFields(text []byte, v reflect.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	var first error
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		var err error
		if field.Anonymous && name == "" {
			err = exactly(text, v.Field(i))
		} else {
			if name == "" {
				name = field.Name
			}
			if member, ok := members[name]; ok {
				err = exactly(member, v.Field(i))
			}
		}
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %w", name, err)
		}
	}
	return first
}
