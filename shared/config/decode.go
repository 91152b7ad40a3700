package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"millrace/shared/suggest"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// fileBytes is the largest file of settings, in bytes.
const fileBytes = 256 << 10

// Decode decodes YAML or JSON. The structs of into have every allowed member; the case of
// letters does not matter. An error begins with the place, to follow the name of the file, and says
// what is allowed there. An empty text changes nothing.
func Decode(text []byte, into any) error {
	_, err := read(text, into)
	return err
}

// read does the same as Decode and returns the tree of the text; nil if the text is empty.
func read(text []byte, into any) (*yamldoc.Node, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	report := yamldoc.NewReport(text)
	root := yamldoc.Parse(text, fileBytes, report)
	if root == nil {
		for _, d := range report.Diagnostics() {
			return nil, fmt.Errorf(":%d:%d: %s", d.Line, d.Column, d.Message)
		}
	}
	return root, decode(root, "", reflect.ValueOf(into).Elem())
}

// errorAt returns an error about a node.
func errorAt(n *yamldoc.Node, format string, args ...any) error {
	return fmt.Errorf(fmt.Sprintf(":%d:%d: ", n.Line, n.Column)+format, args...)
}

// kindMismatch returns the error for a node that does not have the kind of the setting; name is ""
// for the whole text.
func kindMismatch(n *yamldoc.Node, name, kind, found string) error {
	if name == "" {
		name = "the text"
	}
	return errorAt(n, "%s must be %s, not %s", name, kind, found)
}

var rawType = reflect.TypeFor[json.RawMessage]()

// decode decodes a node into a value; null leaves the value unchanged.
func decode(n *yamldoc.Node, name string, to reflect.Value) error {
	if n.Kind == yamldoc.Null {
		return nil
	}
	if to.Type() == rawType {
		to.SetBytes(value.Encode(n.Value()))
		return nil
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return decode(n, name, to.Elem())
	case reflect.Struct, reflect.Map:
		if n.Kind != yamldoc.Map {
			return kindMismatch(n, name, "a mapping", n.Kind.String())
		}
		if to.Kind() == reflect.Map {
			return decodeMap(n, name, to)
		}
		return decodeStruct(n, name, to)
	case reflect.Slice:
		return decodeList(n, name, to)
	}
	return decodeScalar(n, name, to)
}

func decodeStruct(n *yamldoc.Node, name string, to reflect.Value) error {
	seen := make(map[string]bool, len(n.Fields))
	for i := range n.Fields {
		f := &n.Fields[i]
		member, ok := to.Type().FieldByNameFunc(func(s string) bool {
			return strings.EqualFold(s, f.Key)
		})
		if !ok {
			return unknownMember(f, memberName(name, f.Key), to.Type())
		}
		if seen[member.Name] {
			return fmt.Errorf(":%d:%d: %s stands twice", f.Line, f.Column,
				memberName(name, member.Name))
		}
		seen[member.Name] = true
		if err := decode(f.Value, memberName(name, member.Name),
			to.FieldByIndex(member.Index)); err != nil {
			return err
		}
	}
	return nil
}

// unknownMember returns the error for an unknown member and suggests a known one.
func unknownMember(f *yamldoc.Field, name string, t reflect.Type) error {
	var known []string
	for i := range t.NumField() {
		known = append(known, t.Field(i).Name)
	}
	hint := suggest.Hint(f.Key, known)
	if hint == "" {
		hint = "known here: " + strings.Join(known, ", ")
	}
	return fmt.Errorf(":%d:%d: there is no %s; %s", f.Line, f.Column, value.Quote(name), hint)
}

func decodeMap(n *yamldoc.Node, name string, to reflect.Value) error {
	to.Set(reflect.MakeMapWithSize(to.Type(), len(n.Fields)))
	for i := range n.Fields {
		f := &n.Fields[i]
		item := reflect.New(to.Type().Elem()).Elem()
		if err := decode(f.Value, memberName(name, f.Key), item); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(f.Key), item)
	}
	return nil
}

func decodeList(n *yamldoc.Node, name string, to reflect.Value) error {
	if n.Kind != yamldoc.List {
		return kindMismatch(n, name, "a list", n.Kind.String())
	}
	to.Set(reflect.MakeSlice(to.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		if err := decode(item, name+"["+strconv.Itoa(i)+"]", to.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// decodeScalar decodes a text, a boolean or a number.
func decodeScalar(n *yamldoc.Node, name string, to reflect.Value) error {
	switch to.Kind() {
	case reflect.String:
		if n.Kind == yamldoc.Number || n.Kind == yamldoc.Bool {
			return kindMismatch(n, name, "a text", n.Kind.String()+"; put it in quotes")
		}
		if n.Kind != yamldoc.String {
			return kindMismatch(n, name, "a text", n.Kind.String())
		}
		to.SetString(n.Text)
	case reflect.Bool:
		if n.Kind != yamldoc.Bool {
			return kindMismatch(n, name, "true or false", found(n))
		}
		to.SetBool(n.True())
	case reflect.Int, reflect.Int64:
		i, ok := n.Int()
		if !ok || to.OverflowInt(i) {
			return kindMismatch(n, name, "a whole number", found(n))
		}
		to.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Text, 64)
		if n.Kind != yamldoc.Number || err != nil {
			return kindMismatch(n, name, "a number", found(n))
		}
		to.SetFloat(f)
	default:
		panic("config: a configuration cannot hold " + to.Type().String())
	}
	return nil
}

// found describes a node in a message.
func found(n *yamldoc.Node) string {
	switch n.Kind {
	case yamldoc.Number:
		return n.Text
	case yamldoc.String:
		return "the text " + value.Quote(n.Text)
	}
	return n.Kind.String()
}

// memberName returns the qualified name of a member.
func memberName(name, member string) string {
	if name == "" {
		return member
	}
	return name + "." + member
}
