package tablestore_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// clock is a clock that advances only when a test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// client returns the official SDK on a server, without retries.
func client(s *tablestore.Server) *sdk.TableStoreClient {
	return clientOf(s, tablestore.DefaultInstance, tablestore.DefaultKey)
}

func clientOf(transport http.RoundTripper, instance string,
	key tablestore.Key) *sdk.TableStoreClient {
	config := sdk.NewDefaultTableStoreConfig()
	config.RetryTimes, config.Transport = 0, transport
	return sdk.NewClientWithConfig("http://tablestore.test", instance, key.ID, key.Secret,
		key.Token, config)
}

// ok fails the test if err is not nil.
func ok[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fails expects an error with a code, and with a text unless text is "".
func fails(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *sdk.OtsError
	if !errors.As(err, &e) || e.Code != code || text != "" && e.Message != text {
		t.Errorf("got %v, want %s %q", err, code, text)
	}
}

// schema returns a table with the key pk, sk (strings), and defined columns n (integer), s (string)
// and b (binary).
func schema(name string) *sdk.CreateTableRequest {
	meta := &sdk.TableMeta{TableName: name}
	meta.AddPrimaryKeyColumn("pk", sdk.PrimaryKeyType_STRING)
	meta.AddPrimaryKeyColumn("sk", sdk.PrimaryKeyType_STRING)
	meta.AddDefinedColumn("n", sdk.DefinedColumn_INTEGER)
	meta.AddDefinedColumn("s", sdk.DefinedColumn_STRING)
	meta.AddDefinedColumn("b", sdk.DefinedColumn_BINARY)
	return &sdk.CreateTableRequest{
		TableMeta:          meta,
		TableOption:        &sdk.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &sdk.ReservedThroughput{},
	}
}

// opened returns a server with the table "t".
func opened(t *testing.T, o tablestore.Options) (*tablestore.Server, *sdk.TableStoreClient) {
	t.Helper()
	s := tablestore.New(o)
	c := client(s)
	_, err := c.CreateTable(schema("t"))
	ok(t, 0, err)
	return s, c
}

func key(values ...any) *sdk.PrimaryKey {
	k := &sdk.PrimaryKey{}
	for i, v := range values {
		switch name := []string{"pk", "sk", "k3", "k4"}[i]; v {
		case sdk.MIN:
			k.AddPrimaryKeyColumnWithMinValue(name)
		case sdk.MAX:
			k.AddPrimaryKeyColumnWithMaxValue(name)
		default:
			k.AddPrimaryKeyColumn(name, v)
		}
	}
	return k
}

type columns map[string]any

func putChange(k *sdk.PrimaryKey, c columns, exists sdk.RowExistenceExpectation,
	filter sdk.ColumnFilter) *sdk.PutRowChange {
	change := &sdk.PutRowChange{
		TableName:  "t",
		PrimaryKey: k,
		Condition:  &sdk.RowCondition{RowExistenceExpectation: exists, ColumnCondition: filter},
	}
	for name, v := range c {
		change.AddColumn(name, v)
	}
	return change
}

const (
	ignore    = sdk.RowExistenceExpectation_IGNORE
	exists    = sdk.RowExistenceExpectation_EXPECT_EXIST
	notExists = sdk.RowExistenceExpectation_EXPECT_NOT_EXIST
)

func put(c *sdk.TableStoreClient, k *sdk.PrimaryKey, cols columns,
	expect sdk.RowExistenceExpectation, filter sdk.ColumnFilter) (*sdk.PutRowResponse, error) {
	return c.PutRow(&sdk.PutRowRequest{PutRowChange: putChange(k, cols, expect, filter)})
}

func update(c *sdk.TableStoreClient, k *sdk.PrimaryKey, expect sdk.RowExistenceExpectation,
	filter sdk.ColumnFilter, change func(*sdk.UpdateRowChange)) (*sdk.UpdateRowResponse, error) {
	u := &sdk.UpdateRowChange{
		TableName:  "t",
		PrimaryKey: k,
		Condition:  &sdk.RowCondition{RowExistenceExpectation: expect, ColumnCondition: filter},
	}
	change(u)
	return c.UpdateRow(&sdk.UpdateRowRequest{UpdateRowChange: u})
}

func remove(c *sdk.TableStoreClient, k *sdk.PrimaryKey, expect sdk.RowExistenceExpectation,
	filter sdk.ColumnFilter) (*sdk.DeleteRowResponse, error) {
	return c.DeleteRow(&sdk.DeleteRowRequest{DeleteRowChange: &sdk.DeleteRowChange{
		TableName:  "t",
		PrimaryKey: k,
		Condition:  &sdk.RowCondition{RowExistenceExpectation: expect, ColumnCondition: filter},
	}})
}

func get(c *sdk.TableStoreClient, k *sdk.PrimaryKey, names ...string) (*sdk.GetRowResponse, error) {
	return c.GetRow(&sdk.GetRowRequest{SingleRowQueryCriteria: &sdk.SingleRowQueryCriteria{
		TableName:    "t",
		PrimaryKey:   k,
		MaxVersion:   1,
		ColumnsToGet: names,
	}})
}

// values returns the columns of a row by name; nil if there is no row.
func values(t *testing.T, c *sdk.TableStoreClient, k *sdk.PrimaryKey) columns {
	t.Helper()
	r, err := get(c, k)
	ok(t, 0, err)
	if len(r.PrimaryKey.PrimaryKeys) == 0 {
		return nil
	}
	return valuesOf(r.Columns)
}

func valuesOf(list []*sdk.AttributeColumn) columns {
	got := columns{}
	for _, c := range list {
		got[c.ColumnName] = c.Value
	}
	return got
}

// compare returns a condition on a column. A missing column fails it.
func compare(name string, op sdk.ComparatorType, v any) *sdk.SingleColumnCondition {
	c := sdk.NewSingleColumnCondition(name, op, v)
	c.FilterIfMissing, c.LatestVersionOnly = true, true
	return c
}
