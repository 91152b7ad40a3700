package strict

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	timeType = reflect.TypeFor[time.Time]()
)

// member is a field of a struct, and what its tags say.
type member struct {
	name                string
	index               []int
	required, null, one bool
}

// membersOf returns the members of a struct, those of embedded structs included.
func membersOf(t reflect.Type) []member {
	var list []member
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		options := strings.Split(f.Tag.Get("strict"), ",")
		list = append(list, member{name: name, index: f.Index,
			required: slices.Contains(options, "required"),
			null:     slices.Contains(options, "null"),
			one:      slices.Contains(options, "one")})
	}
	return list
}

// decode decodes a node into a value. name is the qualified name, m the member that the node is the
// value of.
func (d *decoder) decode(n *yamldoc.Node, name string, to reflect.Value, m member) {
	d.path = append(d.path, n)
	defer func() { d.path = d.path[:len(d.path)-1] }()
	switch {
	case to.Type() == rawType:
		to.SetBytes(value.Encode(n.Value()))
		return
	case n.Kind == yamldoc.Null && (d.Settings || m.null):
		return
	case to.Type() == timeType:
		d.time(n, name, to)
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		d.decode(n, name, to.Elem(), m)
	case reflect.Struct:
		d.object(n, name, to)
	case reflect.Map:
		d.mapping(n, name, to)
	case reflect.Slice:
		d.list(n, name, to, m)
	default:
		d.scalar(n, name, to)
	}
}

// The kinds of which a mistake says only what kind was found; for others it has the text.
const (
	aMapping = "a mapping"
	aList    = "a list"
	aText    = "a text"
)

// mismatch adds the mistake of a node that does not have the kind of the value.
func (d *decoder) mismatch(n *yamldoc.Node, name, kind string) {
	if name == "" {
		name = "the text"
	}
	found := n.Kind.String()
	switch {
	case d.Secret || kind == aMapping || kind == aList || kind == aText:
	case n.Kind == yamldoc.Number:
		found = n.Text
	case n.Kind == yamldoc.String:
		found = "the text " + value.Quote(n.Text)
	}
	d.fail(n, "%s must be %s, not %s", name, kind, found)
}

func (d *decoder) object(n *yamldoc.Node, name string, to reflect.Value) {
	if n.Kind != yamldoc.Map {
		d.mismatch(n, name, aMapping)
		return
	}
	known := membersOf(to.Type())
	seen := make([]bool, len(known))
	for i := range n.Fields {
		f := &n.Fields[i]
		at := slices.IndexFunc(known, func(m member) bool {
			return m.name == f.Key || d.Settings && strings.EqualFold(m.name, f.Key)
		})
		switch {
		case at < 0:
			d.unknown(f, name, known)
			continue
		case seen[at]:
			d.failAt(f.Line, f.Column, "%s stands twice", qualified(name, known[at].name))
			continue
		}
		seen[at] = true
		d.decode(f.Value, qualified(name, known[at].name), to.FieldByIndex(known[at].index),
			known[at])
	}
	at := Place{d, n, n.Line, n.Column, name}
	for i, m := range known {
		if m.required && !seen[i] {
			at.Require(m.name)
		}
	}
	if d.Check != nil {
		d.Check(at, to.Addr().Interface())
	}
}

func (d *decoder) mapping(n *yamldoc.Node, name string, to reflect.Value) {
	if n.Kind != yamldoc.Map {
		d.mismatch(n, name, aMapping)
		return
	}
	to.Set(reflect.MakeMapWithSize(to.Type(), len(n.Fields)))
	for i := range n.Fields {
		f := &n.Fields[i]
		item := reflect.New(to.Type().Elem()).Elem()
		d.decode(f.Value, qualified(name, f.Key), item, member{})
		to.SetMapIndex(reflect.ValueOf(f.Key), item)
	}
}

func (d *decoder) list(n *yamldoc.Node, name string, to reflect.Value, m member) {
	items := n.Items
	switch {
	case n.Kind == yamldoc.List:
	case m.one && n.Kind != yamldoc.Map:
		items = []*yamldoc.Node{n}
	default:
		d.mismatch(n, name, aList)
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		d.decode(item, name+"["+strconv.Itoa(i)+"]", to.Index(i), member{})
	}
}

// scalar decodes a text, a boolean or a number.
func (d *decoder) scalar(n *yamldoc.Node, name string, to reflect.Value) {
	switch to.Kind() {
	case reflect.String:
		d.text(n, name, to)
	case reflect.Bool:
		if n.Kind != yamldoc.Bool {
			d.mismatch(n, name, "true or false")
		}
		to.SetBool(n.True())
	case reflect.Int, reflect.Int64:
		i, ok := n.Int()
		if !ok || to.OverflowInt(i) {
			d.mismatch(n, name, "a whole number")
		}
		to.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Text, 64)
		if n.Kind != yamldoc.Number || err != nil {
			d.mismatch(n, name, "a number")
		}
		to.SetFloat(f)
	default:
		panic("strict: a text cannot hold " + to.Type().String())
	}
}

func (d *decoder) text(n *yamldoc.Node, name string, to reflect.Value) {
	loose := n.Kind == yamldoc.Number || n.Kind == yamldoc.Bool
	switch {
	case loose && d.Settings:
		d.fail(n, "%s must be a text, not %s; put it in quotes", name, n.Kind)
	case !loose && n.Kind != yamldoc.String:
		d.mismatch(n, name, aText)
	case d.Secret && n.Written() == "":
		d.fail(n, "%s must be a text that is not empty", name)
	case strings.Contains(n.Text, "\x00"):
		d.fail(n, "%s must not hold the character NUL", name)
	default:
		to.SetString(n.Written())
	}
}

func (d *decoder) time(n *yamldoc.Node, name string, to reflect.Value) {
	t, err := time.Parse(time.RFC3339, n.Text)
	if err != nil || n.Kind != yamldoc.String {
		d.mismatch(n, name, "a time like 2027-01-31T00:00:00Z")
		return
	}
	to.Set(reflect.ValueOf(t))
}
