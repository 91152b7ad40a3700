package tablestore_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

func TestValues(t *testing.T) {
	clk := newClock()
	_, c := opened(t, tablestore.Options{Now: clk.now})
	want := columns{
		"i":     int64(math.MinInt64),
		"d":     -1.5,
		"t":     true,
		"f":     false,
		"s":     "日本\x00",
		"b":     []byte{0, 0xff},
		"empty": "",
		"none":  []byte{},
	}
	ok(t, 0, second(put(c, key("a", "b"), want, ignore, nil)))
	r := ok2(t)(get(c, key("a", "b")))
	if got := valuesOf(r.Columns); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, col := range r.Columns {
		if col.Timestamp != clk.now().UnixMilli() {
			t.Errorf("%s has the version %d", col.ColumnName, col.Timestamp)
		}
		if i > 0 && col.ColumnName <= r.Columns[i-1].ColumnName {
			t.Errorf("%s comes after %s", col.ColumnName, r.Columns[i-1].ColumnName)
		}
	}
	// A put replaces the row; an update changes it.
	ok(t, 0, second(put(c, key("a", "b"), columns{"i": int64(1), "j": int64(2)}, ignore, nil)))
	ok(t, 0, second(update(c, key("a", "b"), ignore, nil, func(u *sdk.UpdateRowChange) {
		u.PutColumn("k", "new")
		u.DeleteColumn("i")
		u.DeleteColumn("nothing")
	})))
	changed := columns{"j": int64(2), "k": "new"}
	if got := values(t, c, key("a", "b")); !reflect.DeepEqual(got, changed) {
		t.Errorf("got %v, want %v", got, changed)
	}
	// A row may have no columns; an update that only deletes does not create a row.
	ok(t, 0, second(update(c, key("a", "b"), ignore, nil,
		func(u *sdk.UpdateRowChange) { u.DeleteColumn("j"); u.DeleteColumn("k") })))
	if got := values(t, c, key("a", "b")); got == nil || len(got) > 0 {
		t.Errorf("an emptied row is %v", got)
	}
	ok(t, 0, second(update(c, key("a", "new"), ignore, nil,
		func(u *sdk.UpdateRowChange) { u.DeleteColumn("j") })))
	if got := values(t, c, key("a", "new")); got != nil {
		t.Errorf("a delete of a column made %v", got)
	}
	ok(t, 0, second(remove(c, key("a", "b"), ignore, nil)))
	ok(t, 0, second(remove(c, key("a", "b"), ignore, nil)))
	if got := values(t, c, key("a", "b")); got != nil {
		t.Errorf("a deleted row is %v", got)
	}
}

func second[T any](_ T, err error) error { return err }

func ok2(t *testing.T) func(*sdk.GetRowResponse, error) *sdk.GetRowResponse {
	return func(r *sdk.GetRowResponse, err error) *sdk.GetRowResponse {
		t.Helper()
		return ok(t, r, err)
	}
}

func TestExistence(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	writes := map[string]func(k *sdk.PrimaryKey, e sdk.RowExistenceExpectation) error{
		"put": func(k *sdk.PrimaryKey, e sdk.RowExistenceExpectation) error {
			return second(put(c, k, columns{"a": "x"}, e, nil))
		},
		"update": func(k *sdk.PrimaryKey, e sdk.RowExistenceExpectation) error {
			return second(update(c, k, e, nil,
				func(u *sdk.UpdateRowChange) { u.PutColumn("a", "x") }))
		},
		"delete": func(k *sdk.PrimaryKey, e sdk.RowExistenceExpectation) error {
			return second(remove(c, k, e, nil))
		},
	}
	for name, write := range writes {
		for _, there := range []bool{false, true} {
			for _, e := range []sdk.RowExistenceExpectation{ignore, exists, notExists} {
				k := key(fmt.Sprint(name, there, e), "k")
				if there {
					ok(t, 0, second(put(c, k, nil, ignore, nil)))
				}
				err := write(k, e)
				if there && e == notExists || !there && e == exists {
					fails(t, err, "OTSConditionCheckFail", "Condition check failed.")
				} else if err != nil {
					t.Errorf("%s, row there %v, expectation %v: %v", name, there, e, err)
				}
			}
		}
	}
}

func TestColumnConditions(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	k := key("a", "b")
	row := columns{"i": int64(5), "s": "m", "d": 1.5, "t": true, "b": []byte("m")}
	ok(t, 0, second(put(c, k, row, ignore, nil)))
	passing := func(name string) *sdk.SingleColumnCondition {
		s := compare(name, sdk.CT_EQUAL, "x")
		s.FilterIfMissing = false
		return s
	}
	composite := func(op sdk.LogicalOperator, subs ...sdk.ColumnFilter) sdk.ColumnFilter {
		f := sdk.NewCompositeColumnCondition(op)
		for _, s := range subs {
			f.AddFilter(s)
		}
		return f
	}
	yes, no := compare("i", sdk.CT_EQUAL, int64(5)), compare("i", sdk.CT_EQUAL, int64(6))
	for i, test := range []struct {
		filter sdk.ColumnFilter
		want   bool
	}{
		{yes, true}, {no, false},
		{compare("i", sdk.CT_NOT_EQUAL, int64(5)), false},
		{compare("i", sdk.CT_NOT_EQUAL, int64(6)), true},
		{compare("i", sdk.CT_GREATER_THAN, int64(5)), false},
		{compare("i", sdk.CT_GREATER_THAN, int64(-7)), true},
		{compare("i", sdk.CT_GREATER_EQUAL, int64(5)), true},
		{compare("i", sdk.CT_GREATER_EQUAL, int64(6)), false},
		{compare("i", sdk.CT_LESS_THAN, int64(6)), true},
		{compare("i", sdk.CT_LESS_THAN, int64(5)), false},
		{compare("i", sdk.CT_LESS_EQUAL, int64(5)), true},
		{compare("i", sdk.CT_LESS_EQUAL, int64(4)), false},
		{compare("s", sdk.CT_GREATER_THAN, "l"), true},
		{compare("s", sdk.CT_LESS_THAN, "l"), false},
		{compare("d", sdk.CT_LESS_THAN, 1.75), true}, {compare("t", sdk.CT_EQUAL, true), true},
		{compare("b", sdk.CT_EQUAL, []byte("m")), true},
		{compare("i", sdk.CT_EQUAL, "5"), false},
		{compare("i", sdk.CT_NOT_EQUAL, "5"), false}, // another type
		{compare("nothing", sdk.CT_EQUAL, "x"), false}, {passing("nothing"), true},
		{passing("s"), false},
		{compare("pk", sdk.CT_EQUAL, "a"), true}, {compare("sk", sdk.CT_EQUAL, "a"), false},
		{composite(sdk.LO_AND, yes, no), false}, {composite(sdk.LO_AND, yes, yes, yes), true},
		{composite(sdk.LO_OR, no, yes), true}, {composite(sdk.LO_OR, no, no), false},
		{composite(sdk.LO_NOT, no), true},
		{composite(sdk.LO_NOT, composite(sdk.LO_AND, yes, composite(sdk.LO_OR, no, yes))), false},
	} {
		if err := second(put(c, k, row, ignore, test.filter)); test.want && err != nil {
			t.Errorf("condition %d: %v", i, err)
		} else if !test.want {
			fails(t, err, "OTSConditionCheckFail", "Condition check failed.")
		}
	}
	// In a missing row, every column is missing. The row's existence is checked first.
	fails(t, second(put(c, key("a", "new"), row, ignore, yes)), "OTSConditionCheckFail", "")
	fails(t, second(put(c, key("a", "new"), row, exists, passing("s"))),
		"OTSConditionCheckFail", "")
	ok(t, 0, second(put(c, key("a", "new"), row, ignore, passing("s"))))

	var many []sdk.ColumnFilter
	for range 11 {
		many = append(many, yes)
	}
	fails(t, second(put(c, k, row, ignore, composite(sdk.LO_AND, many...))),
		"OTSParameterInvalid", "")
	fails(t, second(put(c, k, row, ignore, &sdk.PaginationFilter{Offset: 0, Limit: 1})),
		"OTSParameterInvalid", "")
	fails(t, second(put(c, k, row, ignore, composite(sdk.LO_NOT, yes, no))),
		"OTSParameterInvalid", "")
}

// TestRaces: of fifty concurrent writers one wins, by a claim or by a compare-and-set.
func TestRaces(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	k := key("race", "a")
	race := func(name string, write func(i int) error) {
		t.Helper()
		var won atomic.Int64
		var done sync.WaitGroup
		for i := range 50 {
			done.Go(func() {
				if err := write(i); err == nil {
					won.Add(1)
				} else {
					fails(t, err, "OTSConditionCheckFail", "")
				}
			})
		}
		done.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d winners", name, won.Load())
		}
	}
	race("claim", func(i int) error {
		return second(put(c, k, columns{"v": int64(1), "by": int64(i)}, notExists, nil))
	})
	race("compare and set", func(i int) error {
		return second(update(c, k, exists, compare("v", sdk.CT_EQUAL, int64(1)),
			func(u *sdk.UpdateRowChange) {
				u.PutColumn("v", int64(2))
				u.PutColumn("by", int64(i))
			}))
	})
	race("delete", func(int) error { return second(remove(c, k, exists, nil)) })
}

func TestIncrement(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	k := key("a", "b")
	add := func(by int64) (*sdk.UpdateRowResponse, error) {
		return update(c, k, ignore, nil, func(u *sdk.UpdateRowChange) {
			u.IncrementColumn("n", by)
			u.SetReturnIncrementValue()
			u.AppendIncrementColumnToReturn("n")
		})
	}
	for i, want := range []int64{3, 1, math.MaxInt64} {
		r, err := add([]int64{3, -2, math.MaxInt64 - 1}[i])
		ok(t, 0, err)
		if got := valuesOf(r.Columns); got["n"] != want {
			t.Errorf("the sum is %v, want %d", got, want)
		}
	}
	fails(t, second(add(1)), "OTSParameterInvalid", "")
	ok(t, 0, second(put(c, k, columns{"m": "text"}, ignore, nil)))
	fails(t, second(update(c, k, ignore, nil,
		func(u *sdk.UpdateRowChange) { u.IncrementColumn("m", 1) })), "OTSParameterInvalid", "")
}

func TestAutoIncrement(t *testing.T) {
	s := tablestore.New(tablestore.Options{})
	c := client(s)
	meta := &sdk.TableMeta{TableName: "t"}
	meta.AddPrimaryKeyColumn("pk", sdk.PrimaryKeyType_STRING)
	meta.AddPrimaryKeyColumnOption("sk", sdk.PrimaryKeyType_INTEGER, sdk.AUTO_INCREMENT)
	_, err := c.CreateTable(&sdk.CreateTableRequest{
		TableMeta:          meta,
		TableOption:        &sdk.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &sdk.ReservedThroughput{},
	})
	ok(t, 0, err)
	last := int64(0)
	for range 3 {
		change := putChange(key("a"), columns{"c": "x"}, ignore, nil)
		change.PrimaryKey.AddPrimaryKeyColumnWithAutoIncrement("sk")
		change.SetReturnPk()
		r, err := c.PutRow(&sdk.PutRowRequest{PutRowChange: change})
		ok(t, 0, err)
		n := r.PrimaryKey.PrimaryKeys[1].Value.(int64)
		if n <= last {
			t.Errorf("%d after %d", n, last)
		}
		if last = n; values(t, c, key("a", n)) == nil {
			t.Errorf("there is no row %d", n)
		}
	}
}

func TestVersions(t *testing.T) {
	clk := newClock()
	s := tablestore.New(tablestore.Options{Now: clk.now})
	c := client(s)
	create := schema("t")
	create.TableOption = &sdk.TableOption{
		TimeToAlive:               86_400,
		MaxVersion:                3,
		DeviationCellVersionInSec: 100_000,
	}
	ok(t, 0, second(c.CreateTable(create)))
	k, now := key("a", "b"), clk.now().UnixMilli()
	for i := range int64(5) {
		ok(t, 0, second(update(c, k, ignore, nil,
			func(u *sdk.UpdateRowChange) { u.PutColumnWithTimestamp("v", i, now+i) })))
	}
	read := func(max int32, times *sdk.TimeRange) (got []int64) {
		t.Helper()
		r, err := c.GetRow(&sdk.GetRowRequest{SingleRowQueryCriteria: &sdk.SingleRowQueryCriteria{
			TableName:  "t",
			PrimaryKey: k,
			MaxVersion: max,
			TimeRange:  times,
		}})
		ok(t, 0, err)
		for _, col := range r.Columns {
			got = append(got, col.Value.(int64))
		}
		return got
	}
	for _, test := range []struct {
		max   int32
		times *sdk.TimeRange
		want  []int64
	}{
		{1, nil, []int64{4}}, {9, nil, []int64{4, 3, 2}},
		{9, &sdk.TimeRange{Start: now, End: now + 4}, []int64{3, 2}},
		{1, &sdk.TimeRange{Start: now, End: now + 4}, []int64{3}}, {9,
			&sdk.TimeRange{Specific: now + 2}, []int64{2}},
		{9, &sdk.TimeRange{Specific: now + 1}, nil},
	} {
		if got := read(test.max, test.times); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%d versions of %+v: %v, want %v", test.max, test.times, got, test.want)
		}
	}
	ok(t, 0, second(update(c, k, ignore, nil,
		func(u *sdk.UpdateRowChange) { u.DeleteColumnWithTimestamp("v", now+3) })))
	if got, want := read(9, nil), []int64{4, 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("one version deleted: %v, want %v", got, want)
	}
	clk.move(24*time.Hour + 3*time.Millisecond)
	if got, want := read(9, nil), []int64{4}; !reflect.DeepEqual(got, want) {
		t.Errorf("after a day: %v, want %v", got, want)
	}
	clk.move(time.Hour)
	if got := values(t, c, k); got != nil {
		t.Errorf("an expired row is %v", got)
	}
	ok(t, 0, second(put(c, k, columns{"v": int64(9)}, notExists, nil)))
	fails(t, second(update(c, k, ignore, nil, func(u *sdk.UpdateRowChange) {
		u.PutColumnWithTimestamp("v", int64(1), now-200_000_000)
	})), "OTSParameterInvalid", "")
}

func TestColumnsToGet(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	k := key("a", "b")
	ok(t, 0,
		second(put(c, k, columns{"a": "1", "b": []byte("2"), "c": "3", "d": "4"}, ignore, nil)))
	for _, test := range []struct {
		criteria sdk.SingleRowQueryCriteria
		want     columns // nil: no row
	}{
		{sdk.SingleRowQueryCriteria{ColumnsToGet: []string{"a", "d", "z"}},
			columns{"a": "1", "d": "4"}},
		{sdk.SingleRowQueryCriteria{ColumnsToGet: []string{"z"}}, nil},
		{sdk.SingleRowQueryCriteria{ColumnsToGet: []string{"z", "pk"}}, columns{}},
		{sdk.SingleRowQueryCriteria{StartColumn: ptr("b"), EndColumn: ptr("d")},
			columns{"b": []byte("2"), "c": "3"}},
		{sdk.SingleRowQueryCriteria{Filter: compare("a", sdk.CT_EQUAL, "1")},
			columns{"a": "1", "b": []byte("2"), "c": "3", "d": "4"}},
		{sdk.SingleRowQueryCriteria{Filter: compare("a", sdk.CT_EQUAL, "2")}, nil},
		{sdk.SingleRowQueryCriteria{
			Filter:       compare("a", sdk.CT_EQUAL, "1"),
			ColumnsToGet: []string{"d"},
		}, nil},
		{sdk.SingleRowQueryCriteria{Filter: &sdk.PaginationFilter{Offset: 1, Limit: 2}},
			columns{"b": []byte("2"), "c": "3"}},
		{sdk.SingleRowQueryCriteria{Filter: &sdk.PaginationFilter{Offset: 9, Limit: 2}}, columns{}},
	} {
		q := test.criteria
		q.TableName, q.PrimaryKey, q.MaxVersion = "t", k, 1
		r, err := c.GetRow(&sdk.GetRowRequest{SingleRowQueryCriteria: &q})
		ok(t, 0, err)
		if there := len(r.PrimaryKey.PrimaryKeys) > 0; there != (test.want != nil) ||
			there && !reflect.DeepEqual(valuesOf(r.Columns), test.want) {
			t.Errorf("%+v: row there %v, %v, want %v", test.criteria, there,
				valuesOf(r.Columns), test.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestBadRows(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	put := func(k *sdk.PrimaryKey, cols columns) error {
		return second(put(c, k, cols, ignore, nil))
	}
	many := columns{}
	for i := range 1025 {
		many[fmt.Sprint("c", i)] = "x"
	}
	other := &sdk.PrimaryKey{}
	other.AddPrimaryKeyColumn("PK2", "a")
	other.AddPrimaryKeyColumn("sk", "a")
	for name, test := range map[string]struct {
		err        error
		code, text string
	}{
		"too few keys": {put(key("a"), nil), "OTSInvalidPK",
			"Validate PK size fail. Input: 1, Meta: 2."},
		"another key": {put(other, nil), "OTSInvalidPK",
			"Validate PK name fail. Input: PK2, Meta: pk."},
		"key of a type": {put(key("a", int64(1)), nil), "OTSInvalidPK",
			"Validate PK type fail. Input: INTEGER, Meta: STRING."},
		"long key": {put(key("a", strings.Repeat("k", 1025)), nil), "OTSParameterInvalid",
			"The length of primary key column: 'sk' exceeds the MaxLength: 1024 with " +
				"CurrentLength: 1025."},
		"key not UTF-8":   {put(key("a", "\xff"), nil), "OTSParameterInvalid", ""},
		"value not UTF-8": {put(key("a", "b"), columns{"c": "\xff"}), "OTSParameterInvalid", ""},
		"long value": {put(key("a", "b"), columns{"c": strings.Repeat("x", 2<<20+1)}),
			"OTSParameterInvalid", "The length of attribute column: 'c' exceeds the MaxLength: " +
				"2097152 with CurrentLength: 2097153."},
		"long row": {put(key("a", "b"), columns{
			"c": strings.Repeat("x", 2<<20),
			"d": strings.Repeat("x", 2<<20),
		}), "OTSParameterInvalid", ""},
		"long body": {put(key("a", "b"), columns{"c": strings.Repeat("x", 5<<20)}),
			"OTSRequestBodyTooLarge", "The size of POST data is too large."},
		"many columns": {put(key("a", "b"), many), "OTSParameterInvalid",
			"The number of attribute columns exceeds the limit, limit count: 1024, column " +
				"count: 1025."},
		"column as key": {put(key("a", "b"), columns{"pk": "x"}), "OTSParameterInvalid", ""},
		"column name": {put(key("a", "b"), columns{strings.Repeat("c", 256): "x"}),
			"OTSParameterInvalid", ""},
		"defined column": {put(key("a", "b"), columns{"n": "x"}), "OTSParameterInvalid", ""},
		"nothing to update": {second(update(c, key("a", "b"), ignore, nil,
			func(*sdk.UpdateRowChange) {})), "OTSParameterInvalid", "Attribute column is missing."},
		"read without a key": {second(get(c, key())), "OTSInvalidPK",
			"Validate PK size fail. Input: 0, Meta: 2."},
		"infinite key": {put(key("a", sdk.MAX), nil), "OTSParameterInvalid", ""},
		"many names": {second(get(c, key("a", "b"),
			strings.Fields(strings.Repeat("c ", 129))...)), "OTSParameterInvalid", ""},
	} {
		t.Run(name, func(t *testing.T) { fails(t, test.err, test.code, test.text) })
	}
	if got := values(t, c, key("a", "b")); got != nil {
		t.Errorf("a refused row was written: %d columns", len(got))
	}
	ok(t, 0, put(key("a", strings.Repeat("k", 1024)), columns{"c": strings.Repeat("x", 2<<20)}))
}
