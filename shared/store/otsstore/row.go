package otsstore

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"unicode/utf8"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// Columns of a row; see the package comment.
const (
	colPartition  = "p"
	colSort       = "s"
	colVersion    = "n"
	colFence      = "f"
	colData       = "d"
	colCompressed = "z"
	colShard      = "w"
	colWake       = "k"
	colGroup      = "g"
	colListSort   = "l"
	colFields     = "i"
	colExpires    = "e"
	colToken      = "t"
)

// Longest keys. TableStore accepts 1024 bytes, of which the hash before a partition takes some. A
// sort key also leaves space for the byte that a caller appends to continue after it.
const (
	maxKey       = 1024
	maxPartition = maxKey - hashDigits
	maxSort      = maxKey - 1
)

// maxValue is the longest value that TableStore accepts.
const maxValue = 2 << 20

// hashDigits is the number of hexadecimal digits of the hash before a partition in the table's key.
const hashDigits = 2

func hash(partition string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(partition))
	return h.Sum32()
}

// shardOf returns the wake shard of a partition, one of so many.
func shardOf(partition string, shards int) int { return int(hash(partition) % uint32(shards)) }

// hashed returns a partition as it is in the table's key.
func hashed(partition string) string {
	const digits = "0123456789abcdef"
	h := hash(partition)
	return string([]byte{digits[h>>4&15], digits[h&15]}) + partition
}

// unhashed returns the partition in a key of the table.
func unhashed(p string) (string, error) {
	if len(p) <= hashDigits || hashed(p[hashDigits:]) != p {
		return "", fmt.Errorf(
			"otsstore: a row of this table has the partition key %.40q, without its hash before "+
				"it; is it another program's table?", p)
	}
	return p[hashDigits:], nil
}

// checkKey rejects a key that TableStore does not accept.
func checkKey(what, s string, max int) error {
	switch {
	case s == "":
		return fmt.Errorf("otsstore: an empty %s", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("otsstore: a %s that is not UTF-8: %.40q", what, s)
	case len(s) > max:
		return fmt.Errorf("otsstore: a %s of %d bytes, at most %d can be kept: %.40q…", what,
			len(s), max, s)
	}
	return nil
}

func checkKeys(k driver.Key) error {
	if err := checkKey("partition", k.Partition, maxPartition); err != nil {
		return err
	}
	return checkKey("sort key", k.Sort, maxSort)
}

// column is a part of a primary key.
type column struct {
	name  string
	value any // string, int64, lowest or highest
}

// The values before and after all others.
var (
	lowest  any = tablestore.MIN
	highest any = tablestore.MAX
)

func primaryKey(columns ...column) *tablestore.PrimaryKey {
	k := &tablestore.PrimaryKey{PrimaryKeys: make([]*tablestore.PrimaryKeyColumn, 0, len(columns))}
	for _, c := range columns {
		switch c.value {
		case lowest:
			k.AddPrimaryKeyColumnWithMinValue(c.name)
		case highest:
			k.AddPrimaryKeyColumnWithMaxValue(c.name)
		default:
			k.AddPrimaryKeyColumn(c.name, c.value)
		}
	}
	return k
}

func rowKey(k driver.Key) *tablestore.PrimaryKey {
	return primaryKey(column{colPartition, hashed(k.Partition)}, column{colSort, k.Sort})
}

// rowChange encodes a row as a put without a condition.
func (s *Store) rowChange(row driver.Row) (*tablestore.PutRowChange, error) {
	if err := checkKeys(row.Key); err != nil {
		return nil, err
	}
	switch {
	case !utf8.ValidString(row.Fence):
		return nil, fmt.Errorf("otsstore: a fence that is not UTF-8: %.40q", row.Fence)
	case len(row.Data) > maxValue:
		return nil, fmt.Errorf("otsstore: a row of %d bytes, TableStore takes at most %d: %q",
			len(row.Data), maxValue, row.Key)
	}
	c := &tablestore.PutRowChange{TableName: s.o.Table, PrimaryKey: rowKey(row.Key),
		Condition: &tablestore.RowCondition{}}
	c.AddColumn(colVersion, row.Version)
	c.AddColumn(colFence, row.Fence)
	if row.Wake != 0 {
		c.AddColumn(colShard, int64(shardOf(row.Partition, s.Shards())))
		c.AddColumn(colWake, row.Wake)
	}
	if row.Expires != 0 {
		c.AddColumn(colExpires, row.Expires)
	}
	if err := addListEntry(c, row.List); err != nil {
		return nil, err
	}
	addData(c, row.Data)
	return c, nil
}

// writeUnit is how many bytes one write unit pays for.
const writeUnit = 4096

// tokenSize is the size of the writer token, which is added after the data is compressed.
const tokenSize = 10

// addData adds the data of a row, plain or deflated.
func addData(c *tablestore.PutRowChange, data []byte) {
	if len(data) == 0 {
		return
	}
	if compressed := driver.Compress(data, billed(c)+1+tokenSize, writeUnit); compressed != nil {
		c.AddColumn(colCompressed, compressed)
		return
	}
	c.AddColumn(colData, data)
}

// billed returns how many bytes of a row are billed: those of names and values.
func billed(c *tablestore.PutRowChange) (n int) {
	for _, k := range c.PrimaryKey.PrimaryKeys {
		n += len(k.ColumnName) + valueSize(k.Value)
	}
	for _, a := range c.Columns {
		n += len(a.ColumnName) + valueSize(a.Value)
	}
	return n
}

// addListEntry adds the columns of the list index.
func addListEntry(c *tablestore.PutRowChange, l *driver.ListEntry) error {
	if l == nil {
		return nil
	}
	if err := checkKey("list group", l.Group, maxKey); err != nil {
		return err
	}
	if err := checkKey("list sort", l.Sort, maxSort); err != nil {
		return err
	}
	c.AddColumn(colGroup, l.Group)
	c.AddColumn(colListSort, l.Sort)
	if len(l.Fields) > 0 {
		c.AddColumn(colFields, l.Fields)
	}
	return nil
}

// size estimates how many bytes a row takes in a request.
func size(c *tablestore.PutRowChange) (n int) {
	const around = 24 // tags, lengths and checksums of a column
	for _, k := range c.PrimaryKey.PrimaryKeys {
		n += around + len(k.ColumnName) + valueSize(k.Value)
	}
	for _, a := range c.Columns {
		n += around + len(a.ColumnName) + valueSize(a.Value)
	}
	return n + around
}

func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 8
}

// newToken returns a token that marks one conditional write. A writer that got no response looks
// for it in the row.
func newToken() []byte {
	b := make([]byte, 9)
	rand.Read(b)
	return b
}

// reader reads the columns of a row, including its key. A missing column is zero, and one of
// another type is an error.
type reader struct {
	columns map[string]any
	err     error
}

func newReader(key *tablestore.PrimaryKey, columns []*tablestore.AttributeColumn) *reader {
	r := &reader{columns: make(map[string]any, len(key.PrimaryKeys)+len(columns))}
	for _, c := range columns {
		r.columns[c.ColumnName] = c.Value
	}
	for _, k := range key.PrimaryKeys {
		r.columns[k.ColumnName] = k.Value
	}
	return r
}

// read returns a column, or records that it has another type.
func read[T any](r *reader, name string) T {
	v, present := r.columns[name]
	t, ok := v.(T)
	if present && !ok && r.err == nil {
		r.err = fmt.Errorf(
			"otsstore: a row of this table has a column %q of type %T, want %T; is it another "+
				"program's table?", name, v, t)
	}
	return t
}

func (r *reader) text(name string) string  { return read[string](r, name) }
func (r *reader) blob(name string) []byte  { return read[[]byte](r, name) }
func (r *reader) number(name string) int64 { return read[int64](r, name) }

func (r *reader) key() driver.Key {
	p, err := unhashed(r.text(colPartition))
	if err != nil && r.err == nil {
		r.err = err
	}
	return driver.Key{Partition: p, Sort: r.text(colSort)}
}

// row decodes the columns.
func (r *reader) row() (driver.Row, error) {
	row := driver.Row{Key: r.key(), Version: r.number(colVersion), Fence: r.text(colFence),
		Data: r.blob(colData),
		Wake: r.number(colWake), Expires: r.number(colExpires)}
	if compressed := r.blob(colCompressed); compressed != nil && r.err == nil {
		row.Data, r.err = driver.Decompress(compressed)
	}
	if group := r.text(colGroup); group != "" {
		row.List = &driver.ListEntry{Group: group, Sort: r.text(colListSort),
			Fields: r.blob(colFields)}
	}
	return row, r.err
}
