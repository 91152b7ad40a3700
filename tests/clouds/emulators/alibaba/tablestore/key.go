package tablestore

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// key is a primary key: its values, and a text that sorts in the same order.
type key struct {
	values []plainbuffer.Value
	sort   string
}

func newKey(values []plainbuffer.Value) key {
	return key{values, sortText(values)}
}

// sortText encodes values so that the byte order of the texts is the order of the keys.
func sortText(values []plainbuffer.Value) string {
	var b []byte
	for _, v := range values {
		switch v.Kind {
		case plainbuffer.InfMin:
			b = append(b, 0)
		case plainbuffer.InfMax:
			b = append(b, 2)
		case plainbuffer.Integer:
			b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v.Num)^1<<63)
		default:
			b = append(append(b, 1), strings.ReplaceAll(v.Text, "\x00", "\x00\xff")...)
			b = append(b, 0, 1)
		}
	}
	return string(b)
}

// kindOf returns the kind of the values of a key column.
func kindOf(s message.KeySchema) plainbuffer.Kind {
	switch s.Type {
	case message.KeyInteger:
		return plainbuffer.Integer
	case message.KeyString:
		return plainbuffer.String
	}
	return plainbuffer.Blob
}

// bounds is what a key is used for.
type bounds int

const (
	exact   bounds = iota // of an existing row
	forPut                // of a row to put, whose auto-increment column the service may number
	ofRange               // a bound of a range
)

// checkKey compares the key columns of a request with the table's.
func (t *table) checkKey(cells []plainbuffer.Cell, use bounds) (key, *Error) {
	if len(cells) != len(t.key) {
		return key{}, invalidKey("Validate PK size fail. Input: %d, Meta: %d.",
			len(cells), len(t.key))
	}
	values := make([]plainbuffer.Value, len(cells))
	for i, c := range cells {
		s := t.key[i]
		if c.Name != s.Name {
			return key{}, invalidKey("Validate PK name fail. Input: %s, Meta: %s.", c.Name, s.Name)
		}
		if err := checkKeyValue(s, c, use); err != nil {
			return key{}, err
		}
		values[i] = c.Value
	}
	return newKey(values), nil
}

func checkKeyValue(s message.KeySchema, c plainbuffer.Cell, use bounds) *Error {
	if c.NoValue || c.Op != plainbuffer.Put {
		return invalidKey("Validate PK type fail. Column: %s has no value.", c.Name)
	}
	switch c.Value.Kind {
	case plainbuffer.InfMin, plainbuffer.InfMax:
		if use == ofRange {
			return nil
		}
		return invalid("%s is an invalid type for the primary key.", c.Value.Kind)
	case plainbuffer.AutoIncrement:
		if use == forPut && s.Option == message.OptionAutoIncrement {
			return nil
		}
		return invalid("%s is an invalid type for the primary key.", c.Value.Kind)
	}
	if c.Value.Kind != kindOf(s) {
		return invalidKey("Validate PK type fail. Input: %s, Meta: %s.", c.Value.Kind, kindOf(s))
	}
	if use == forPut && s.Option == message.OptionAutoIncrement {
		return invalidKey("Validate PK type fail. Column: %s is of type AUTO_INCREMENT.", c.Name)
	}
	if n := len(c.Value.Text); n > maxKeyBytes {
		return invalid("The length of primary key column: '%s' exceeds the MaxLength: %d with "+
			"CurrentLength: %d.", c.Name, maxKeyBytes, n)
	}
	return checkText(c.Name, c.Value)
}

func checkText(name string, v plainbuffer.Value) *Error {
	if v.Kind == plainbuffer.String && !utf8.ValidString(v.Text) {
		return invalid("The value of column: '%s' is not UTF-8.", name)
	}
	return nil
}

// decodeKey decodes a key without attribute columns, as GetRow and GetRange have it.
func (t *table) decodeKey(b []byte, use bounds) (key, *Error) {
	rows, err := plainbuffer.Decode(b)
	if err != nil {
		return key{}, invalid("Invalid primary key: %v.", err)
	}
	if len(rows) != 1 || len(rows[0].Columns) > 0 {
		return key{}, invalid("A primary key must be one row without attribute columns.")
	}
	return t.checkKey(rows[0].Key, use)
}

// cells returns the columns of a key with their names.
func (t *table) cells(k key) []plainbuffer.Cell {
	cells := make([]plainbuffer.Cell, len(k.values))
	for i, v := range k.values {
		cells[i] = plainbuffer.Cell{Name: t.key[i].Name, Value: v}
	}
	return cells
}

// keySize returns the size of a key, in bytes, as TableStore counts it.
func (t *table) keySize(k key) (n int) {
	for i, v := range k.values {
		n += len(t.key[i].Name) + v.Size()
	}
	return n
}
