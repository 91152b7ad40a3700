package tablestore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

func TestTables(t *testing.T) {
	s, c := opened(t, tablestore.Options{})
	fails(t, second(c.CreateTable(schema("t"))), "OTSObjectAlreadyExist",
		"Requested table already exists.")
	ok(t, 0, second(c.CreateTable(schema("u"))))
	list, err := c.ListTable()
	if ok(t, list, err); !slices.Equal(list.TableNames, []string{"t", "u"}) {
		t.Errorf("tables %q", list.TableNames)
	}
	d, err := c.DescribeTable(&sdk.DescribeTableRequest{TableName: "t"})
	ok(t, 0, err)
	if m := d.TableMeta; m.TableName != "t" || len(m.SchemaEntry) != 2 ||
		*m.SchemaEntry[1].Name != "sk" || *m.SchemaEntry[1].Type != sdk.PrimaryKeyType_STRING ||
		len(m.DefinedColumns) != 3 || m.DefinedColumns[0].ColumnType != sdk.DefinedColumn_INTEGER ||
		d.TableOption.TimeToAlive != -1 || d.TableOption.MaxVersion != 1 {
		t.Errorf("described as %+v, %+v", m, d.TableOption)
	}
	updated, err := c.UpdateTable(&sdk.UpdateTableRequest{
		TableName:          "t",
		TableOption:        &sdk.TableOption{TimeToAlive: 86_400, MaxVersion: 5},
		ReservedThroughput: &sdk.ReservedThroughput{Readcap: 3, Writecap: 4},
	})
	ok(t, 0, err)
	if updated.TableOption.TimeToAlive != 86_400 || updated.TableOption.MaxVersion != 5 ||
		updated.ReservedThroughput.Readcap != 3 || updated.ReservedThroughput.Writecap != 4 {
		t.Errorf("updated to %+v, %+v", updated.TableOption, updated.ReservedThroughput)
	}
	ok(t, 0, second(c.DeleteTable(&sdk.DeleteTableRequest{TableName: "u"})))
	fails(t, second(c.DeleteTable(&sdk.DeleteTableRequest{TableName: "u"})), "OTSObjectNotExist",
		"Requested table does not exist.")
	fails(t, second(c.DescribeTable(&sdk.DescribeTableRequest{TableName: "u"})),
		"OTSObjectNotExist", "")
	fails(t, second(c.UpdateTable(&sdk.UpdateTableRequest{TableName: "u"})),
		"OTSObjectNotExist", "")
	ok(t, 0, second(c.DeleteTable(&sdk.DeleteTableRequest{TableName: "t"})))
	fails(t, second(get(c, key("a", "b"))), "OTSObjectNotExist", "")
	for i := range 64 {
		ok(t, 0, second(c.CreateTable(schema(fmt.Sprint("t", i)))))
	}
	fails(t, second(client(s).CreateTable(schema("t64"))), "OTSQuotaExhausted",
		"Number of tables exceeded the quota.")
}

func TestBadTables(t *testing.T) {
	c := client(tablestore.New(tablestore.Options{}))
	create := func(change func(*sdk.CreateTableRequest)) error {
		r := schema("bad")
		change(r)
		return second(c.CreateTable(r))
	}
	for name, err := range map[string]error{
		"name":    create(func(r *sdk.CreateTableRequest) { r.TableMeta.TableName = "a-b" }),
		"no name": create(func(r *sdk.CreateTableRequest) { r.TableMeta.TableName = "" }),
		"long key": create(func(r *sdk.CreateTableRequest) {
			for i := range 3 {
				r.TableMeta.AddPrimaryKeyColumn(fmt.Sprint("k", i), sdk.PrimaryKeyType_STRING)
			}
		}),
		"key name": create(func(r *sdk.CreateTableRequest) {
			r.TableMeta.AddPrimaryKeyColumn("ü", sdk.PrimaryKeyType_STRING)
		}),
		"key type": create(func(r *sdk.CreateTableRequest) {
			r.TableMeta.AddPrimaryKeyColumn("k", 9)
		}),
		"option": create(func(r *sdk.CreateTableRequest) {
			r.TableMeta.AddPrimaryKeyColumnOption("k", sdk.PrimaryKeyType_STRING,
				sdk.AUTO_INCREMENT)
		}),
		"defined twice": create(func(r *sdk.CreateTableRequest) {
			r.TableMeta.AddDefinedColumn("n", sdk.DefinedColumn_STRING)
		}),
		"defined key": create(func(r *sdk.CreateTableRequest) {
			r.TableMeta.AddDefinedColumn("pk", sdk.DefinedColumn_STRING)
		}),
		"life": create(func(r *sdk.CreateTableRequest) {
			r.TableOption.TimeToAlive = 3600
		}),
		"versions": create(func(r *sdk.CreateTableRequest) { r.TableOption.MaxVersion = 0 }),
		"reserved": create(func(r *sdk.CreateTableRequest) {
			r.ReservedThroughput.Readcap = -1
		}),
		"index column": create(func(r *sdk.CreateTableRequest) {
			r.IndexMetas = append(r.IndexMetas, globalIndex("i", []string{"x"}))
		}),
		"index name": create(func(r *sdk.CreateTableRequest) {
			r.IndexMetas = append(r.IndexMetas, globalIndex("a-b", []string{"n"}))
		}),
		"index of key": create(func(r *sdk.CreateTableRequest) {
			r.IndexMetas = append(r.IndexMetas, globalIndex("i", nil))
		}),
		"index versions": create(func(r *sdk.CreateTableRequest) {
			r.TableOption.MaxVersion = 2
			r.IndexMetas = append(r.IndexMetas, globalIndex("i", []string{"n"}))
		}),
		"index and life": create(func(r *sdk.CreateTableRequest) {
			r.TableOption.TimeToAlive = 86_400
			r.IndexMetas = append(r.IndexMetas, globalIndex("i", []string{"n"}))
		}),
		"transactions": create(func(r *sdk.CreateTableRequest) { r.EnableLocalTxn = ptr(true) }),
		"own key": create(func(r *sdk.CreateTableRequest) {
			r.SSESpecification = &sdk.SSESpecification{
				Enable:  true,
				KeyType: ptr(sdk.SSE_BYOK),
				KeyId:   ptr("k"),
				RoleArn: ptr("r"),
			}
		}),
	} {
		t.Run(name, func(t *testing.T) { fails(t, err, "OTSParameterInvalid", "") })
	}
	fails(t, create(func(r *sdk.CreateTableRequest) {
		r.TableMeta.AddPrimaryKeyColumn("pk", sdk.PrimaryKeyType_STRING)
	}),
		"OTSParameterInvalid", "Duplicated primary key name: 'pk'.")
	if list, err := c.ListTable(); ok(t, list, err) != nil && len(list.TableNames) > 0 {
		t.Errorf("tables %q", list.TableNames)
	}
}

func TestTableRate(t *testing.T) {
	clk := newClock()
	c := client(tablestore.New(tablestore.Options{Now: clk.now, TableRate: 3}))
	for i := range 3 {
		ok(t, 0, second(c.CreateTable(schema(fmt.Sprint("t", i)))))
	}
	fails(t, second(c.ListTable()), "OTSQuotaExhausted", "Too frequent table operations.")
	clk.move(time.Second)
	update := &sdk.UpdateTableRequest{
		TableName:          "t0",
		ReservedThroughput: &sdk.ReservedThroughput{},
	}
	ok(t, 0, second(c.UpdateTable(update)))
	fails(t, second(c.UpdateTable(update)), "OTSQuotaExhausted", "Too frequent table operations.")
	clk.move(2 * time.Minute)
	ok(t, 0, second(c.UpdateTable(update)))
}

func TestNotReady(t *testing.T) {
	clk := newClock()
	_, c := opened(t, tablestore.Options{Now: clk.now, ReadyAfter: time.Second})
	fails(t, second(put(c, key("a", "b"), nil, ignore, nil)), "OTSTableNotReady",
		"The table is not ready.")
	ok(t, 0, second(c.DescribeTable(&sdk.DescribeTableRequest{TableName: "t"})))
	clk.move(time.Second)
	ok(t, 0, second(put(c, key("a", "b"), nil, ignore, nil)))
}

func globalIndex(name string, primary []string, columns ...string) *sdk.IndexMeta {
	m := &sdk.IndexMeta{IndexName: name, IndexType: sdk.IT_GLOBAL_INDEX}
	for _, p := range primary {
		m.AddPrimaryKeyColumn(p)
	}
	for _, c := range columns {
		m.AddDefinedColumn(c)
	}
	return m
}

// entries returns the rows of an index as n/s/pk/sk=b.
func entries(t *testing.T, c *sdk.TableStoreClient, name string) (got []string) {
	t.Helper()
	from, to := &sdk.PrimaryKey{}, &sdk.PrimaryKey{}
	for _, column := range []string{"n", "s", "pk", "sk"} {
		from.AddPrimaryKeyColumnWithMinValue(column)
		to.AddPrimaryKeyColumnWithMaxValue(column)
	}
	q := span(from, to, sdk.FORWARD, 0)
	q.TableName = name
	r, err := c.GetRange(&sdk.GetRangeRequest{RangeRowQueryCriteria: q})
	ok(t, 0, err)
	for _, row := range r.Rows {
		var parts []string
		for _, k := range row.PrimaryKey.PrimaryKeys {
			parts = append(parts, fmt.Sprint(k.Value))
		}
		e := strings.Join(parts, "/")
		for _, col := range row.Columns {
			e += fmt.Sprintf(" %s=%s", col.ColumnName, col.Value)
		}
		got = append(got, e)
	}
	return got
}

func TestIndex(t *testing.T) {
	clk := newClock()
	s := tablestore.New(tablestore.Options{Now: clk.now, IndexLag: time.Second})
	c := client(s)
	create := schema("t")
	create.IndexMetas = []*sdk.IndexMeta{globalIndex("byn", []string{"n", "s"}, "b")}
	ok(t, 0, second(c.CreateTable(create)))
	want := func(entriesWanted ...string) {
		t.Helper()
		if got := entries(t, c, "byn"); !slices.Equal(got, entriesWanted) {
			t.Errorf("the index has %q, want %q", got, entriesWanted)
		}
	}
	row := func(k string, cols columns) {
		t.Helper()
		ok(t, 0, second(put(c, key("p", k), cols, ignore, nil)))
	}

	row("1", columns{"n": int64(2), "s": "x", "b": []byte("B"), "other": "o"})
	row("2", columns{"n": int64(1), "s": "x"})
	row("3", columns{"n": int64(1)}) // lacks a column of the index
	want()
	clk.move(999 * time.Millisecond)
	want()
	clk.move(time.Millisecond)
	want("1/x/p/2", "2/x/p/1 b=B")

	// An entry moves, changes and disappears with its row, in the order of the writes.
	row("1", columns{"n": int64(0), "s": "x"})
	row("2", columns{"n": int64(1), "s": "x", "b": []byte("new")})
	row("3", columns{"n": int64(9), "s": ""})
	ok(t, 0, second(remove(c, key("p", "3"), ignore, nil)))
	want("1/x/p/2", "2/x/p/1 b=B")
	clk.move(time.Second)
	want("0/x/p/1", "1/x/p/2 b=new")
	ok(t, 0, second(update(c, key("p", "1"), ignore, nil,
		func(u *sdk.UpdateRowChange) { u.DeleteColumn("s") })))
	s.SetIndexLag(0) // later writes are not applied before earlier ones
	ok(t, 0, second(update(c, key("p", "2"), ignore, nil,
		func(u *sdk.UpdateRowChange) { u.PutColumn("n", int64(5)) })))
	want("0/x/p/1", "1/x/p/2 b=new")
	clk.move(time.Second)
	want("5/x/p/2 b=new")
	fails(t, second(put(c, key("p", "2"), columns{"n": int64(7), "s": "y"}, notExists, nil)),
		"OTSConditionCheckFail", "")
	want("5/x/p/2 b=new")

	s.ResetUsage()
	row("2", columns{"n": int64(5), "s": "x", "b": []byte("new"), "other": "changed"})
	if u := s.Usage()["byn"]; u != (tablestore.Usage{}) {
		t.Errorf("a write that changes nothing in the index costs it %+v", u)
	}
	row("2", columns{"n": int64(6), "s": "x"})
	if u := s.Usage()["byn"]; u != (tablestore.Usage{Reads: 1, Writes: 1}) {
		t.Errorf("a write that moves an entry costs %+v", u)
	}
	change := putChange(key("p", "1"), nil, ignore, nil)
	change.TableName = "byn"
	fails(t, second(c.PutRow(&sdk.PutRowRequest{PutRowChange: change})), "OTSParameterInvalid", "")
	fails(t, second(c.DeleteTable(&sdk.DeleteTableRequest{TableName: "byn"})),
		"OTSParameterInvalid", "")
	fails(t, second(c.DeleteTable(&sdk.DeleteTableRequest{TableName: "t"})),
		"OTSParameterInvalid", "")
	d, err := c.DescribeTable(&sdk.DescribeTableRequest{TableName: "t"})
	ok(t, 0, err)
	if len(d.IndexMetas) != 1 || d.IndexMetas[0].IndexName != "byn" ||
		!slices.Equal(d.IndexMetas[0].Primarykey, []string{"n", "s"}) ||
		!slices.Equal(d.IndexMetas[0].DefinedColumns, []string{"b"}) {
		t.Errorf("described as %+v", d.IndexMetas)
	}
}

func TestCreateAndDropIndex(t *testing.T) {
	s, c := opened(t, tablestore.Options{})
	ok(t, 0, second(put(c, key("p", "1"), columns{"n": int64(1), "s": "x"}, ignore, nil)))
	index := func(name string, filled bool) error {
		return second(c.CreateIndex(&sdk.CreateIndexRequest{
			MainTableName:   "t",
			IndexMeta:       globalIndex(name, []string{"n", "s"}),
			IncludeBaseData: filled,
		}))
	}
	ok(t, 0, index("filled", true))
	ok(t, 0, index("fresh", false))
	ok(t, 0, second(put(c, key("p", "2"), columns{"n": int64(2), "s": "x"}, ignore, nil)))
	if got := entries(t, c, "filled"); !slices.Equal(got, []string{"1/x/p/1", "2/x/p/2"}) {
		t.Errorf("filled: %q", got)
	}
	if got := entries(t, c, "fresh"); !slices.Equal(got, []string{"2/x/p/2"}) {
		t.Errorf("fresh: %q", got)
	}
	fails(t, index("fresh", false), "OTSObjectAlreadyExist", "")
	for i := range 3 {
		ok(t, 0, index(fmt.Sprint("i", i), false))
	}
	fails(t, index("i9", false), "OTSParameterInvalid", "")
	ok(t, 0, second(c.DeleteIndex(&sdk.DeleteIndexRequest{MainTableName: "t", IndexName: "fresh"})))
	fails(t, second(c.DeleteIndex(&sdk.DeleteIndexRequest{MainTableName: "t", IndexName: "fresh"})),
		"OTSObjectNotExist", "")
	ok(t, 0, second(put(c, key("p", "3"), columns{"n": int64(3), "s": "x"}, ignore, nil)))
	long := columns{"n": int64(3), "s": strings.Repeat("x", 1025)}
	fails(t, second(put(c, key("p", "3"), long, ignore, nil)), "OTSParameterInvalid", "")

	// A local index has no lag.
	s.SetIndexLag(time.Hour)
	local := globalIndex("local", []string{"pk", "n"})
	local.IndexType = sdk.IT_LOCAL_INDEX
	ok(t, 0, second(c.CreateIndex(&sdk.CreateIndexRequest{MainTableName: "t", IndexMeta: local})))
	ok(t, 0, second(put(c, key("p", "4"), columns{"n": int64(4)}, ignore, nil)))
	k := &sdk.PrimaryKey{}
	k.AddPrimaryKeyColumn("pk", "p")
	k.AddPrimaryKeyColumn("n", int64(4))
	k.AddPrimaryKeyColumn("sk", "4")
	r, err := c.GetRow(&sdk.GetRowRequest{SingleRowQueryCriteria: &sdk.SingleRowQueryCriteria{
		TableName:  "local",
		PrimaryKey: k,
		MaxVersion: 1,
	}})
	if ok(t, r, err); len(r.PrimaryKey.PrimaryKeys) != 3 {
		t.Error("the local index is behind")
	}

	add := &sdk.AddDefinedColumnRequest{TableName: "t"}
	add.DefinedColumns = []*sdk.DefinedColumnSchema{{
		Name:       "later",
		ColumnType: sdk.DefinedColumn_STRING,
	}}
	ok(t, 0, second(c.AddDefinedColumn(add)))
	fails(t, second(c.AddDefinedColumn(add)), "OTSParameterInvalid", "")
	fails(t, second(put(c, key("p", "5"), columns{"later": int64(1)}, ignore, nil)),
		"OTSParameterInvalid", "")
	ok(t, 0, second(c.DeleteDefinedColumn(&sdk.DeleteDefinedColumnRequest{
		TableName:      "t",
		DefinedColumns: []string{"later"},
	})))
	fails(t, second(c.DeleteDefinedColumn(&sdk.DeleteDefinedColumnRequest{
		TableName:      "t",
		DefinedColumns: []string{"n"},
	})), "OTSParameterInvalid", "")
}
