package crosscheck_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	emulator "millrace/tests/clouds/emulators/alibaba/tablestore"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

const (
	ignore    = tablestore.RowExistenceExpectation_IGNORE
	mustExist = tablestore.RowExistenceExpectation_EXPECT_EXIST
	mustNot   = tablestore.RowExistenceExpectation_EXPECT_NOT_EXIST
)

// otsClient returns the SDK's client of an emulator, without the SDK's retries.
func otsClient(transport http.RoundTripper, endpoint, instance string,
	key emulator.Key) *tablestore.TableStoreClient {
	config := tablestore.NewDefaultTableStoreConfig()
	config.RetryTimes, config.Transport = 0, transport
	return tablestore.NewClientWithConfig(endpoint, instance, key.ID, key.Secret, key.Token, config)
}

// opened returns an emulator with a table "t", keys pk and sk, and its global index "byN", and a
// client of it.
func opened(t *testing.T, o emulator.Options) (*emulator.Server, *tablestore.TableStoreClient) {
	t.Helper()
	s := emulator.New(o)
	c := otsClient(s, "http://tablestore.test", emulator.DefaultInstance, emulator.DefaultKey)
	meta := &tablestore.TableMeta{TableName: "t"}
	meta.AddPrimaryKeyColumn("pk", tablestore.PrimaryKeyType_STRING)
	meta.AddPrimaryKeyColumn("sk", tablestore.PrimaryKeyType_STRING)
	meta.AddDefinedColumn("n", tablestore.DefinedColumn_INTEGER)
	index := &tablestore.IndexMeta{IndexName: "byN", Primarykey: []string{"n", "pk", "sk"},
		IndexType: tablestore.IT_GLOBAL_INDEX}
	_, err := c.CreateTable(&tablestore.CreateTableRequest{TableMeta: meta,
		TableOption:        &tablestore.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &tablestore.ReservedThroughput{},
		IndexMetas:         []*tablestore.IndexMeta{index}})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func rowKey(pk, sk any) *tablestore.PrimaryKey {
	k := &tablestore.PrimaryKey{}
	for name, v := range map[string]any{"pk": pk, "sk": sk} {
		switch v {
		case tablestore.MIN:
			k.AddPrimaryKeyColumnWithMinValue(name)
		case tablestore.MAX:
			k.AddPrimaryKeyColumnWithMaxValue(name)
		default:
			k.AddPrimaryKeyColumn(name, v)
		}
	}
	if k.PrimaryKeys[0].ColumnName != "pk" {
		k.PrimaryKeys[0], k.PrimaryKeys[1] = k.PrimaryKeys[1], k.PrimaryKeys[0]
	}
	return k
}

func putChange(k *tablestore.PrimaryKey, values map[string]any,
	expect tablestore.RowExistenceExpectation,
	filter tablestore.ColumnFilter) *tablestore.PutRowChange {
	change := &tablestore.PutRowChange{TableName: "t", PrimaryKey: k,
		Condition: &tablestore.RowCondition{RowExistenceExpectation: expect,
			ColumnCondition: filter}}
	for name, v := range values {
		change.AddColumn(name, v)
	}
	return change
}

func put(c *tablestore.TableStoreClient, k *tablestore.PrimaryKey, values map[string]any,
	expect tablestore.RowExistenceExpectation, filter tablestore.ColumnFilter) error {
	_, err := c.PutRow(&tablestore.PutRowRequest{PutRowChange: putChange(k, values, expect,
		filter)})
	return err
}

func columns(t *testing.T, c *tablestore.TableStoreClient,
	k *tablestore.PrimaryKey) map[string]any {
	t.Helper()
	r, err := c.GetRow(&tablestore.GetRowRequest{
		SingleRowQueryCriteria: &tablestore.SingleRowQueryCriteria{
			TableName: "t", PrimaryKey: k, MaxVersion: 1,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.PrimaryKey.PrimaryKeys) == 0 {
		return nil
	}
	got := map[string]any{}
	for _, column := range r.Columns {
		got[column.ColumnName] = column.Value
	}
	return got
}

// refused checks that err has the given code.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var e *tablestore.OtsError
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func equals(name string, v any) tablestore.ColumnFilter {
	c := tablestore.NewSingleColumnCondition(name, tablestore.CT_EQUAL, v)
	c.FilterIfMissing, c.LatestVersionOnly = true, true
	return c
}

func TestTables(t *testing.T) {
	_, c := opened(t, emulator.Options{})
	got, err := c.DescribeTable(&tablestore.DescribeTableRequest{TableName: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.TableMeta.SchemaEntry) != 2 || *got.TableMeta.SchemaEntry[1].Name != "sk" ||
		got.TableOption.MaxVersion != 1 || got.TableOption.TimeToAlive != -1 ||
		// this SDK reads no defined columns
		len(got.IndexMetas) != 1 || got.IndexMetas[0].IndexName != "byN" {
		t.Errorf("%+v %+v", got.TableMeta, got.IndexMetas)
	}
	list, err := c.ListTable()
	if err != nil || len(list.TableNames) != 2 {
		t.Errorf("%v %v", list, err)
	}
	if _, err = c.DeleteIndex(&tablestore.DeleteIndexRequest{MainTableName: "t",
		IndexName: "byN"}); err != nil {
		t.Error(err)
	}
	index := &tablestore.IndexMeta{IndexName: "again", Primarykey: []string{"n", "pk", "sk"},
		IndexType: tablestore.IT_GLOBAL_INDEX}
	if _, err := c.CreateIndex(&tablestore.CreateIndexRequest{MainTableName: "t", IndexMeta: index,
		IncludeBaseData: true}); err != nil {
		t.Error(err)
	}
	_, err = c.DeleteTable(&tablestore.DeleteTableRequest{TableName: "none"})
	refused(t, err, "OTSObjectNotExist")
}

func TestRows(t *testing.T) {
	_, c := opened(t, emulator.Options{})
	want := map[string]any{"i": int64(math.MinInt64), "d": -1.5, "b": true, "s": "日本\x00",
		"x": []byte{0, 0xff}, "n": int64(7)}
	if err := put(c, rowKey("a", "b"), want, mustNot, nil); err != nil {
		t.Fatal(err)
	}
	if got := columns(t, c, rowKey("a", "b")); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	refused(t, put(c, rowKey("a", "b"), want, mustNot, nil), "OTSConditionCheckFail")
	refused(t, put(c, rowKey("a", "b"), want, mustExist, equals("n", int64(8))),
		"OTSConditionCheckFail")
	refused(t, put(c, rowKey("a", "b"), want, mustExist, equals("none", int64(8))),
		"OTSConditionCheckFail")
	both := tablestore.NewCompositeColumnCondition(tablestore.LO_AND)
	both.AddFilter(equals("n", int64(7)))
	both.AddFilter(equals("s", "日本\x00"))
	if err := put(c, rowKey("a", "b"), map[string]any{"n": int64(8)}, mustExist, both); err != nil {
		t.Error(err)
	}
	u := &tablestore.UpdateRowChange{TableName: "t", PrimaryKey: rowKey("a", "b"),
		Condition: &tablestore.RowCondition{RowExistenceExpectation: mustExist}}
	u.PutColumn("new", "x")
	u.IncrementColumn("n", 3)
	u.SetReturnIncrementValue()
	u.AppendIncrementColumnToReturn("n")
	r, err := c.UpdateRow(&tablestore.UpdateRowRequest{UpdateRowChange: u})
	if err != nil || len(r.Columns) != 1 || r.Columns[0].Value != int64(11) {
		t.Errorf("%+v %v", r, err)
	}
	d := &tablestore.DeleteRowChange{TableName: "t", PrimaryKey: rowKey("a", "b"),
		Condition: &tablestore.RowCondition{RowExistenceExpectation: mustExist,
			ColumnCondition: equals("n", int64(11))}}
	if _, err := c.DeleteRow(&tablestore.DeleteRowRequest{DeleteRowChange: d}); err != nil {
		t.Error(err)
	}
	if got := columns(t, c, rowKey("a", "b")); got != nil {
		t.Errorf("%v", got)
	}
}

// TestRace: of fifty concurrent writers one succeeds, over HTTP too.
func TestRace(t *testing.T) {
	s, _ := opened(t, emulator.Options{})
	at := httptest.NewServer(s)
	defer at.Close()
	var won atomic.Int64
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() {
			c := otsClient(nil, at.URL, emulator.DefaultInstance, emulator.DefaultKey)
			if err := put(c, rowKey("race", "a"), map[string]any{"n": int64(1)}, mustNot,
				nil); err == nil {
				won.Add(1)
			} else {
				refused(t, err, "OTSConditionCheckFail")
			}
		})
	}
	done.Wait()
	if won.Load() != 1 {
		t.Errorf("%d winners", won.Load())
	}
}

func TestBatchesAndRanges(t *testing.T) {
	_, c := opened(t, emulator.Options{PageRows: 7})
	w := &tablestore.BatchWriteRowRequest{}
	for i := range 40 {
		w.AddRowChange(putChange(rowKey("p", fmt.Sprintf("%02d", i)),
			map[string]any{"n": int64(100 - i)}, ignore, nil))
	}
	w.AddRowChange(putChange(rowKey("p", "none"), map[string]any{"n": int64(1)}, mustExist, nil))
	written, err := c.BatchWriteRow(w)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range written.TableToRowsResult["t"] {
		if r.IsSucceed != (i < 40) || i == 40 && r.Error.Code != "OTSConditionCheckFail" {
			t.Errorf("row %d: %+v", i, r)
		}
	}
	m := &tablestore.MultiRowQueryCriteria{TableName: "t", MaxVersion: 1}
	m.AddRow(rowKey("p", "05"))
	m.AddRow(rowKey("p", "missing"))
	read, err := c.BatchGetRow(
		&tablestore.BatchGetRowRequest{MultiRowQueryCriteria: []*tablestore.MultiRowQueryCriteria{
			m}})
	if err != nil {
		t.Fatal(err)
	}
	if rows := read.TableToRowsResult["t"]; len(rows) != 2 || !rows[0].IsSucceed ||
		len(rows[0].Columns) != 1 || len(rows[1].PrimaryKey.PrimaryKeys) != 0 {
		t.Errorf("%+v", rows)
	}
	for _, direction := range []tablestore.Direction{tablestore.FORWARD, tablestore.BACKWARD} {
		q := &tablestore.RangeRowQueryCriteria{TableName: "t", MaxVersion: 1, Limit: 30,
			Direction: direction, StartPrimaryKey: rowKey("p", tablestore.MIN),
			EndPrimaryKey: rowKey("p", tablestore.MAX)}
		if direction == tablestore.BACKWARD {
			q.StartPrimaryKey, q.EndPrimaryKey = q.EndPrimaryKey, q.StartPrimaryKey
		}
		var got []string
		for q.StartPrimaryKey != nil {
			page, err := c.GetRange(&tablestore.GetRangeRequest{RangeRowQueryCriteria: q})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Rows {
				got = append(got, r.PrimaryKey.PrimaryKeys[1].Value.(string))
			}
			q.StartPrimaryKey = page.NextStartPrimaryKey
		}
		if first := got[0]; len(got) != 40 ||
			first != map[tablestore.Direction]string{tablestore.FORWARD: "00",
				tablestore.BACKWARD: "39"}[direction] {
			t.Errorf("%v: %v", direction, got)
		}
	}
	from, to := &tablestore.PrimaryKey{}, &tablestore.PrimaryKey{}
	from.AddPrimaryKeyColumn("n", int64(61))
	to.AddPrimaryKeyColumn("n", int64(64))
	for _, name := range []string{"pk", "sk"} {
		from.AddPrimaryKeyColumnWithMinValue(name)
		to.AddPrimaryKeyColumnWithMinValue(name)
	}
	page, err := c.GetRange(&tablestore.GetRangeRequest{
		RangeRowQueryCriteria: &tablestore.RangeRowQueryCriteria{TableName: "byN", MaxVersion: 1,
			Limit:     10,
			Direction: tablestore.FORWARD, StartPrimaryKey: from, EndPrimaryKey: to}})
	if err != nil || len(page.Rows) != 3 ||
		page.Rows[0].PrimaryKey.PrimaryKeys[0].Value != int64(61) {
		t.Errorf("%+v %v", page, err)
	}
}

func TestRefusals(t *testing.T) {
	sts := emulator.Key{ID: "sts", Secret: "secret", Token: "token"}
	old := emulator.Key{ID: "old", Secret: "secret", Token: "token", Expires: time.Unix(1, 0)}
	s := emulator.New(emulator.Options{Keys: []emulator.Key{emulator.DefaultKey, sts, old}})
	list := func(instance string, key emulator.Key) error {
		_, err := otsClient(s, "http://tablestore.test", instance, key).ListTable()
		return err
	}
	if err := list(emulator.DefaultInstance, sts); err != nil {
		t.Error(err)
	}
	for _, err := range []error{list("other", sts), list(emulator.DefaultInstance, old),
		list(emulator.DefaultInstance, emulator.Key{ID: "sts", Secret: "secret"}),
		list(emulator.DefaultInstance, emulator.Key{ID: "test", Secret: "x"}),
		list(emulator.DefaultInstance, emulator.Key{ID: "nobody", Secret: "x"})} {
		refused(t, err, "OTSAuthFailed")
	}
}

// TestRetries: the SDK's own retries overcome temporary errors.
func TestRetries(t *testing.T) {
	s, _ := opened(t, emulator.Options{})
	var calls atomic.Int64
	s.SetFault(func(emulator.Request) emulator.Fault {
		if calls.Add(1) <= 2 {
			return emulator.Fault{Refuse: emulator.ServerBusy}
		}
		return emulator.Fault{}
	})
	config := tablestore.NewDefaultTableStoreConfig()
	config.Transport = s
	c := tablestore.NewClientWithConfig("http://tablestore.test", emulator.DefaultInstance, "test",
		"test", "", config)
	if err := put(c, rowKey("a", "b"), nil, mustNot, nil); err != nil || calls.Load() != 3 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// FuzzRow: the emulator reads the rows that the SDK builds, and writes them again as the same
// bytes.
func FuzzRow(f *testing.F) {
	f.Add("p", "s", "text", int64(1), 1.5, []byte{0xff}, uint8(0))
	f.Add("", "\x00", "é", int64(math.MinInt64), math.Inf(-1), []byte{}, uint8(7))
	f.Fuzz(func(t *testing.T, pk, sk, text string, n int64, d float64, blob []byte, ops uint8) {
		change := putChange(rowKey(pk, sk), map[string]any{"text": text, "n": n, "d": d,
			"blob": blob, "b": n > 0}, ignore, nil)
		update := &tablestore.UpdateRowChange{TableName: "t", PrimaryKey: rowKey(pk, sk)}
		update.PutColumn("text", text)
		if ops&1 != 0 {
			update.DeleteColumn("gone")
		}
		if ops&2 != 0 {
			update.DeleteColumnWithTimestamp("one", n)
		}
		if ops&4 != 0 {
			update.IncrementColumn("n", n)
		}
		remove := &tablestore.DeleteRowChange{TableName: "t", PrimaryKey: rowKey(pk, sk)}
		for what, built := range map[string][]byte{"put": change.Serialize(),
			"update": update.Serialize(), "delete": remove.Serialize()} {
			rows, err := plainbuffer.Decode(built)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%s: %d rows, %v", what, len(rows), err)
			}
			if again := plainbuffer.Append(nil, rows...); !reflect.DeepEqual(again, built) {
				t.Errorf("%s: % x, the SDK built % x", what, again, built)
			}
		}
	})
}
