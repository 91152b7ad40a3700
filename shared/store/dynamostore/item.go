package dynamostore

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store/driver"
)

// Attributes of a row; see the package comment.
const (
	attrPartition  = "p"
	attrSort       = "s"
	attrVersion    = "n"
	attrFence      = "f"
	attrData       = "d"
	attrCompressed = "z"
	attrShard      = "w"
	attrWake       = "k"
	attrGroup      = "g"
	attrListSort   = "l"
	attrFields     = "i"
	attrExpires    = "e"
	attrTTL        = "x"
	attrToken      = "t"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func blob(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// shardOf returns the wake shard of a partition, one of so many.
func shardOf(partition string, shards int) int {
	h := fnv.New32a()
	h.Write([]byte(partition))
	return int(h.Sum32() % uint32(shards))
}

// checkKey rejects a key that DynamoDB does not accept, or would store as another key: JSON
// replaces bytes that are not UTF-8.
func checkKey(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("dynamostore: an empty %s", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("dynamostore: a %s that is not UTF-8: %.40q", what, s)
	}
	return nil
}

func checkKeys(k driver.Key) error {
	if err := checkKey("partition", k.Partition); err != nil {
		return err
	}
	return checkKey("sort key", k.Sort)
}

func keyItem(k driver.Key) item {
	return item{attrPartition: text(k.Partition), attrSort: text(k.Sort)}
}

// rowItem encodes a row as an item. shards is the number of shards of the wake index.
func rowItem(row driver.Row, shards int) (item, error) {
	if err := checkKeys(row.Key); err != nil {
		return nil, err
	}
	if !utf8.ValidString(row.Fence) {
		return nil, fmt.Errorf("dynamostore: a fence that is not UTF-8: %.40q", row.Fence)
	}
	it := keyItem(row.Key)
	if row.Version != 0 {
		it[attrVersion] = number(row.Version)
	}
	if row.Fence != "" {
		it[attrFence] = text(row.Fence)
	}
	if row.Wake != 0 {
		it[attrWake] = number(row.Wake)
		// A row whose wake time is its expiry needs no entry: the time to live removes it.
		if row.Wake != row.Expires {
			it[attrShard] = number(int64(shardOf(row.Partition, shards)))
		}
	}
	if row.Expires != 0 {
		it[attrExpires], it[attrTTL] = number(row.Expires), number((row.Expires+999)/1000)
	}
	if err := addListEntry(it, row.List); err != nil {
		return nil, err
	}
	addData(it, row.Data)
	return it, nil
}

// writeUnit is how many bytes one write unit pays for.
const writeUnit = 1024

// size estimates how many bytes DynamoDB counts for an item.
func size(it item) (n int) {
	for name, v := range it {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 1
		}
	}
	return n
}

// tokenSize is the size of the writer token, which is added after the data is compressed.
const tokenSize = 10

// addData adds the data of a row to its item, plain or deflated.
func addData(it item, data []byte) {
	if len(data) == 0 {
		return
	}
	if compressed := driver.Compress(data, size(it)+1+tokenSize, writeUnit); compressed != nil {
		it[attrCompressed] = blob(compressed)
		return
	}
	it[attrData] = blob(data)
}

// addListEntry adds the attributes of the list index.
func addListEntry(it item, l *driver.ListEntry) error {
	if l == nil {
		return nil
	}
	if err := checkKey("list group", l.Group); err != nil {
		return err
	}
	if err := checkKey("list sort", l.Sort); err != nil {
		return err
	}
	it[attrGroup], it[attrListSort] = text(l.Group), text(l.Sort)
	if len(l.Fields) > 0 {
		it[attrFields] = blob(l.Fields)
	}
	return nil
}

// newToken returns a token that marks one conditional write. A writer that got no response looks
// for it in the row.
func newToken() []byte {
	b := make([]byte, 9)
	rand.Read(b)
	return b
}

// reader reads the attributes of an item. A missing attribute is zero, and one of another type is
// an error.
type reader struct {
	item item
	err  error
}

func (r *reader) fail(name string, v types.AttributeValue) {
	if r.err == nil {
		r.err = fmt.Errorf(
			"dynamostore: a row of this table has an attribute %q of type %T; is it another "+
				"program's table?", name, v)
	}
}

func (r *reader) text(name string) string {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.fail(name, v)
	}
	return ""
}

func (r *reader) blob(name string) []byte {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberB:
		return v.Value
	default:
		r.fail(name, v)
	}
	return nil
}

func (r *reader) number(name string) int64 {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			r.fail(name, v)
		}
		return n
	default:
		r.fail(name, v)
	}
	return 0
}

func (r *reader) key() driver.Key {
	return driver.Key{Partition: r.text(attrPartition), Sort: r.text(attrSort)}
}

// itemRow decodes an item.
func itemRow(it item) (driver.Row, error) {
	r := reader{item: it}
	row := driver.Row{Key: r.key(), Version: r.number(attrVersion), Fence: r.text(attrFence),
		Data: r.blob(attrData),
		Wake: r.number(attrWake), Expires: r.number(attrExpires)}
	if group := r.text(attrGroup); group != "" {
		row.List = &driver.ListEntry{Group: group, Sort: r.text(attrListSort),
			Fields: r.blob(attrFields)}
	}
	if compressed := r.blob(attrCompressed); compressed != nil && r.err == nil {
		row.Data, r.err = driver.Decompress(compressed)
	}
	return row, r.err
}
