package plainbuffer_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// source derives columns and keys from the bytes of a fuzz input.
type source struct{ b []byte }

func (s *source) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	b := s.b[0]
	s.b = s.b[1:]
	return b
}

func (s *source) number() int64 {
	var b [8]byte
	s.b = s.b[copy(b[:], s.b):]
	return int64(binary.LittleEndian.Uint64(b[:]))
}

func (s *source) text() string {
	n := min(int(s.byte()), len(s.b))
	t := string(s.b[:n])
	s.b = s.b[n:]
	return t
}

func (s *source) value() any {
	switch s.byte() % 5 {
	case 0:
		return s.number()
	case 1:
		return math.Float64frombits(uint64(s.number()))
	case 2:
		return s.byte()%2 == 1
	case 3:
		return s.text()
	}
	return []byte(s.text())
}

func (s *source) key() *tablestore.PrimaryKey {
	key := &tablestore.PrimaryKey{}
	for range s.byte()%4 + 1 {
		switch name := s.text(); s.byte() % 4 {
		case 0:
			key.AddPrimaryKeyColumn(name, s.number())
		case 1:
			key.AddPrimaryKeyColumn(name, s.text())
		case 2:
			key.AddPrimaryKeyColumn(name, []byte(s.text()))
		case 3:
			key.AddPrimaryKeyColumnWithAutoIncrement(name)
		}
	}
	return key
}

func (s *source) put() *tablestore.PutRowChange {
	c := &tablestore.PutRowChange{PrimaryKey: s.key()}
	for range s.byte() % 6 {
		if name, value := s.text(), s.value(); s.byte()%2 == 0 {
			c.AddColumn(name, value)
		} else {
			c.AddColumnWithTimestamp(name, value, s.number())
		}
	}
	return c
}

func (s *source) update() *tablestore.UpdateRowChange {
	c := &tablestore.UpdateRowChange{PrimaryKey: s.key()}
	for range s.byte() % 6 {
		switch name := s.text(); s.byte() % 4 {
		case 0:
			c.PutColumn(name, s.value())
		case 1:
			c.DeleteColumn(name)
		case 2:
			c.DeleteColumnWithTimestamp(name, s.number())
		case 3:
			c.IncrementColumn(name, s.number())
		}
	}
	return c
}

func (s *source) bound() *tablestore.PrimaryKey {
	key := &tablestore.PrimaryKey{}
	for range s.byte()%4 + 1 {
		switch name := s.text(); s.byte() % 3 {
		case 0:
			key.AddPrimaryKeyColumn(name, s.text())
		case 1:
			key.AddPrimaryKeyColumnWithMinValue(name)
		case 2:
			key.AddPrimaryKeyColumnWithMaxValue(name)
		}
	}
	return key
}

// same decodes what the SDK built, and checks that encoding it again yields the same bytes.
func same(t *testing.T, what string, built []byte) []plainbuffer.Row {
	t.Helper()
	rows, err := plainbuffer.Decode(built)
	if err != nil {
		t.Fatalf("%s %x: %v", what, built, err)
	}
	if again := plainbuffer.Append(nil, rows...); string(again) != string(built) {
		t.Fatalf("%s: built %x, again %x", what, built, again)
	}
	return rows
}

// FuzzSDK derives rows, has the SDK encode them, decodes them, and has the SDK decode what this
// package encodes.
func FuzzSDK(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("\x01\x02pk\x01\x03abc\x02sk\x00........\x03\x01c\x01\x00\x01\x01\x03\x00"))
	f.Add([]byte(strings.Repeat("\x03\x02\x01\x04", 60)))
	f.Add([]byte(strings.Repeat("\x02\x01\x01\x03abc\xff\x00", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{b}
		put := s.put()
		rows := same(t, "put", put.Serialize())
		same(t, "update", s.update().Serialize())
		same(t, "delete", s.key().Build(true))
		same(t, "bound", s.bound().Build(false))
		read(t, put, rows[0])
	})
}

// read has the SDK decode a row that this package encodes, and compares it with the original put.
func read(t *testing.T, put *tablestore.PutRowChange, row plainbuffer.Row) {
	if slices.ContainsFunc(row.Key,
		func(c plainbuffer.Cell) bool { return c.Value.Kind == plainbuffer.AutoIncrement }) {
		return // no response contains one
	}
	body := message.AppendRow(nil, message.Units{}, plainbuffer.Append(nil, row))
	config := tablestore.NewDefaultTableStoreConfig()
	config.RetryTimes, config.Transport = 0, answering(body)
	client := tablestore.NewClientWithConfig("http://here", "i", "k", "s", "", config)
	got, err := client.GetRow(&tablestore.GetRowRequest{
		SingleRowQueryCriteria: &tablestore.SingleRowQueryCriteria{
			TableName:  "t",
			PrimaryKey: put.PrimaryKey,
			MaxVersion: 1,
		},
	})
	if err != nil {
		t.Fatalf("the SDK reads %x: %v", body, err)
	}
	if len(got.PrimaryKey.PrimaryKeys) != len(put.PrimaryKey.PrimaryKeys) ||
		len(got.Columns) != len(put.Columns) {
		t.Fatalf("the SDK reads %d and %d columns, want %d and %d", len(got.PrimaryKey.PrimaryKeys),
			len(got.Columns),
			len(put.PrimaryKey.PrimaryKeys), len(put.Columns))
	}
	for i, c := range put.PrimaryKey.PrimaryKeys {
		if g := got.PrimaryKey.PrimaryKeys[i]; g.ColumnName != c.ColumnName ||
			!equal(g.Value, c.Value) {
			t.Errorf("the SDK reads %v, want %v", g, c)
		}
	}
	for i, c := range put.Columns {
		if g := got.Columns[i]; g.ColumnName != c.ColumnName || g.Timestamp != c.Timestamp ||
			!equal(g.Value, c.Value) {
			t.Errorf("the SDK reads %v, want %v", g, c)
		}
	}
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && string(a) == string(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	}
	return a == b
}

// answering is a transport that responds to every request with a body.
type answering []byte

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Write(a)
	return w.Result(), nil
}

// FuzzDecode: any input is rows, which can be encoded and decoded again, or a *CorruptError.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x75, 0, 0, 0})
	f.Add([]byte{0x75, 0, 0, 0, 1, 3, 4, 0xff, 0xff, 0xff, 0xff})
	put := (&source{[]byte("\x01\x02pk\x01\x03abc\x02sk\x00........" +
		"\x03\x01c\x01\x00\x01\x01\x03\x00")}).put().Serialize()
	f.Add(put)
	f.Add(append(put[:len(put)-1:len(put)-1], put[len(put)-1]^1))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := plainbuffer.Decode(b)
		var corrupt *plainbuffer.CorruptError
		if err != nil {
			if !errors.As(err, &corrupt) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		again, err := plainbuffer.Decode(plainbuffer.Append(nil, rows...))
		if len(rows) > 0 && (err != nil || len(again) != len(rows)) {
			t.Fatalf("%d rows become %d, %v", len(rows), len(again), err)
		}
	})
}

// TestChecksums: every changed byte of a row is detected, or does not change the row's meaning.
func TestChecksums(t *testing.T) {
	c := &tablestore.PutRowChange{PrimaryKey: &tablestore.PrimaryKey{}}
	c.PrimaryKey.AddPrimaryKeyColumn("pk", "abc")
	c.AddColumnWithTimestamp("n", int64(7), 1700000000123)
	c.AddColumn("b", []byte("blob"))
	built := c.Serialize()
	for i := range built {
		for bit := range 8 {
			bad := slices.Clone(built)
			bad[i] ^= 1 << bit
			if _, err := plainbuffer.Decode(bad); err == nil {
				t.Errorf("bit %d of byte %d flipped is not noticed", bit, i)
			}
		}
	}
}

// TestVectors: the rows of the recorded requests and of the recorded response are decoded, and
// encoded again to the same bytes.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../testdata/ots-wire-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Requests []struct{ Name, BodyHex string }
		Response string `json:"responseRowHex"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	row, err := hex.DecodeString(v.Response)
	if err != nil {
		t.Fatal(err)
	}
	got := same(t, "answer", row)[0]
	want := plainbuffer.Row{Key: []plainbuffer.Cell{{
		Name:  "pk",
		Value: plainbuffer.Str("e#flow#run1"),
	}, {Name: "sk", Value: plainbuffer.Str("state")}}}
	for _, c := range []struct {
		name  string
		value plainbuffer.Value
	}{{"status", plainbuffer.Str("Running")}, {"ver", plainbuffer.Int(3)},
		{"blob", plainbuffer.Bytes([]byte{1, 2, 0xff})},
		{"ok", plainbuffer.Bool(true)}, {"f", plainbuffer.Float(1.5)}} {
		want.Columns = append(want.Columns, plainbuffer.Cell{
			Name:         c.name,
			Value:        c.value,
			Timestamp:    1700000000123,
			HasTimestamp: true,
		})
	}
	if !slices.Equal(got.Key, want.Key) || !slices.Equal(got.Columns, want.Columns) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, r := range v.Requests {
		body, err := hex.DecodeString(r.BodyHex)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rowsIn(t, r.Name, body) {
			same(t, r.Name, row)
		}
	}
}

// rowsIn returns the plain buffers of a request.
func rowsIn(t *testing.T, name string, body []byte) (rows [][]byte) {
	t.Helper()
	var err error
	switch name {
	case "PutRow", "UpdateRow", "UpdateRowIncrement", "DeleteRow":
		var w message.Write
		w, err = message.DecodeWrite(body, message.OpPut)
		rows = [][]byte{w.Row}
	case "GetRow":
		var g message.GetRow
		g, err = message.DecodeGetRow(body)
		rows = [][]byte{g.Key}
	case "GetRange":
		var g message.GetRange
		g, err = message.DecodeGetRange(body)
		rows = [][]byte{g.Start, g.End}
	case "BatchWriteRowAtomic":
		var b message.BatchWrite
		if b, err = message.DecodeBatchWrite(body); len(b.Tables) != 1 ||
			len(b.Tables[0].Rows) != 2 || !b.Atomic {
			t.Fatalf("%s: %+v", name, b)
		}
		rows = [][]byte{b.Tables[0].Rows[0].Row, b.Tables[0].Rows[1].Row}
	case "CreateTable":
		_, err = message.DecodeCreateTable(body)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}
