package tablestore_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// span returns a query for a range of "t".
func span(start, end *sdk.PrimaryKey, direction sdk.Direction,
	limit int32) *sdk.RangeRowQueryCriteria {
	return &sdk.RangeRowQueryCriteria{
		TableName:       "t",
		StartPrimaryKey: start,
		EndPrimaryKey:   end,
		Direction:       direction,
		Limit:           limit,
		MaxVersion:      1,
	}
}

// all reads all pages of a range and returns the keys, each joined by "/", and the number of pages.
func all(t *testing.T, c *sdk.TableStoreClient,
	q *sdk.RangeRowQueryCriteria) (keys []string, pages int) {
	t.Helper()
	for at := *q; ; pages++ {
		r, err := c.GetRange(&sdk.GetRangeRequest{RangeRowQueryCriteria: &at})
		ok(t, 0, err)
		if q.Limit > 0 && len(r.Rows) > int(q.Limit) {
			t.Fatalf("%d rows with the limit %d", len(r.Rows), q.Limit)
		}
		for _, row := range r.Rows {
			var parts []string
			for _, k := range row.PrimaryKey.PrimaryKeys {
				parts = append(parts, fmt.Sprint(k.Value))
			}
			keys = append(keys, strings.Join(parts, "/"))
		}
		if r.NextStartPrimaryKey == nil {
			return keys, pages + 1
		}
		at.StartPrimaryKey = r.NextStartPrimaryKey
	}
}

func TestRange(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	sorts := []string{"", "\x00", " ", "a", "a\x00", "a\x00b", "a ", "aa", "b", "é", "日", "🙂"}
	var want []string
	for _, p := range []string{"o", "p", "pp"} {
		for i := range sorts {
			ok(t, 0, second(put(c, key(p, sorts[(i*5)%len(sorts)]), nil, ignore, nil)))
		}
		for _, s := range sorts {
			want = append(want, p+"/"+s)
		}
	}
	n := len(sorts)
	for i, test := range []struct {
		from, to *sdk.PrimaryKey
		want     []string
	}{
		{key(sdk.MIN, sdk.MIN), key(sdk.MAX, sdk.MAX), want},
		{key("p", sdk.MIN), key("p", sdk.MAX), want[n : 2*n]},
		{key("p", "a"), key("p", "b"), want[n+3 : n+8]},
		{key("p", "a\x00"), key("p", "é"), want[n+4 : n+9]},
		{key("o", "日"), key("p", "a"), want[10 : n+3]},
		{key("q", sdk.MIN), key("q", sdk.MAX), nil},
	} {
		for _, limit := range []int32{0, 1, 5} {
			got, _ := all(t, c, span(test.from, test.to, sdk.FORWARD, limit))
			if !slices.Equal(got, test.want) {
				t.Errorf("range %d, limit %d: %q, want %q", i, limit, got, test.want)
			}
		}
	}
	back := slices.Clone(want[n+3 : n+9])
	slices.Reverse(back)
	for _, limit := range []int32{0, 1, 5} {
		// The start is included, the end is not.
		got, _ := all(t, c, span(key("p", "b"), key("p", " "), sdk.BACKWARD, limit))
		if !slices.Equal(got, back) {
			t.Errorf("backward, limit %d: %q, want %q", limit, got, back)
		}
	}
	every := slices.Clone(want)
	slices.Reverse(every)
	got, _ := all(t, c, span(key(sdk.MAX, sdk.MAX), key(sdk.MIN, sdk.MIN), sdk.BACKWARD, 7))
	if !slices.Equal(got, every) {
		t.Errorf("all backward: %q, want %q", got, every)
	}
	bad := func(q *sdk.RangeRowQueryCriteria, text string) {
		t.Helper()
		_, err := c.GetRange(&sdk.GetRangeRequest{RangeRowQueryCriteria: q})
		fails(t, err, "OTSParameterInvalid", text)
	}
	bad(span(key("b", "a"), key("a", "a"), sdk.FORWARD, 0),
		"Begin key must less than end key in FORWARD")
	bad(span(key("a", "a"), key("a", "a"), sdk.FORWARD, 0),
		"Begin key must less than end key in FORWARD")
	bad(span(key("a", "a"), key("b", "a"), sdk.BACKWARD, 0),
		"Begin key must more than end key in BACKWARD")
	bad(span(key("a", "a"), key("b", "a"), sdk.FORWARD, -1), "The limit must be greater than 0.")
}

// TestRangeOfNumbers: numbers sort as numbers, also negative ones.
func TestRangeOfNumbers(t *testing.T) {
	s := tablestore.New(tablestore.Options{})
	c := client(s)
	meta := &sdk.TableMeta{TableName: "t"}
	meta.AddPrimaryKeyColumn("pk", sdk.PrimaryKeyType_INTEGER)
	meta.AddPrimaryKeyColumn("sk", sdk.PrimaryKeyType_BINARY)
	ok(t, 0, second(c.CreateTable(&sdk.CreateTableRequest{
		TableMeta:          meta,
		TableOption:        &sdk.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &sdk.ReservedThroughput{},
	})))
	for _, n := range []int64{5, -1, 256, -300, 0, 1 << 62, -1 << 62} {
		ok(t, 0, second(put(c, key(n, []byte{0xff}), nil, ignore, nil)))
	}
	want := []string{"-4611686018427387904/[255]", "-300/[255]", "-1/[255]", "0/[255]", "5/[255]",
		"256/[255]", "4611686018427387904/[255]"}
	got, _ := all(t, c, span(key(sdk.MIN, sdk.MIN), key(sdk.MAX, sdk.MAX), sdk.FORWARD, 2))
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRangePages: rows stay in order while many are put and deleted. Pages end early, and empty
// pages have the key to continue with.
func TestRangePages(t *testing.T) {
	_, c := opened(t, tablestore.Options{PageRows: 100})
	var want []string
	for i := range 2000 {
		n := i * 7919 % 2000
		ok(t, 0,
			second(put(c, key("p", fmt.Sprintf("%04d", n)), columns{"n": int64(n)}, ignore, nil)))
	}
	for i := range 2000 {
		if i%3 == 0 {
			ok(t, 0, second(remove(c, key("p", fmt.Sprintf("%04d", i)), exists, nil)))
			continue
		}
		want = append(want, fmt.Sprintf("p/%04d", i))
	}
	got, pages := all(t, c, span(key("p", sdk.MIN), key("p", sdk.MAX), sdk.FORWARD, 0))
	if !slices.Equal(got, want) || pages < len(want)/100 {
		t.Errorf("%d rows in %d pages, want %d", len(got), pages, len(want))
	}
	slices.Reverse(want)
	got, _ = all(t, c, span(key("p", sdk.MAX), key("p", sdk.MIN), sdk.BACKWARD, 0))
	if !slices.Equal(got, want) {
		t.Errorf("%d rows backward, want %d", len(got), len(want))
	}
	q := span(key("p", sdk.MIN), key("p", sdk.MAX), sdk.FORWARD, 0)
	q.Filter = compare("n", sdk.CT_GREATER_THAN, int64(1990))
	first, err := c.GetRange(&sdk.GetRangeRequest{RangeRowQueryCriteria: q})
	ok(t, 0, err)
	if len(first.Rows) != 0 || first.NextStartPrimaryKey == nil {
		t.Errorf("a page without a match has %d rows, next %v", len(first.Rows),
			first.NextStartPrimaryKey)
	}
	if got, _ := all(t, c, q); len(got) != 6 {
		t.Errorf("the filter gives %q", got)
	}
}

// TestPageLimits: a page ends at 4 MB or 5000 rows.
func TestPageLimits(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	for i := range 7 {
		ok(t, 0, second(put(c, key("big", fmt.Sprint(i)), columns{"c": make([]byte, 1<<20)},
			ignore, nil)))
	}
	got, pages := all(t, c, span(key("big", sdk.MIN), key("big", sdk.MAX), sdk.FORWARD, 0))
	if len(got) != 7 || pages != 2 {
		t.Errorf("%d rows of 1 MB in %d pages", len(got), pages)
	}
	for i := range 26 {
		b := &sdk.BatchWriteRowRequest{}
		for j := range 200 {
			b.AddRowChange(putChange(key("many", fmt.Sprintf("%02d-%03d", i, j)), nil, ignore, nil))
		}
		ok(t, 0, second(c.BatchWriteRow(b)))
	}
	got, pages = all(t, c, span(key("many", sdk.MIN), key("many", sdk.MAX), sdk.FORWARD, 0))
	if len(got) != 5200 || pages != 2 {
		t.Errorf("%d rows in %d pages", len(got), pages)
	}
}

func TestBatchWrite(t *testing.T) {
	s, c := opened(t, tablestore.Options{})
	ok(t, 0, second(put(c, key("a", "there"), columns{"v": int64(1)}, ignore, nil)))
	b := &sdk.BatchWriteRowRequest{}
	b.AddRowChange(putChange(key("a", "new"), columns{"v": int64(2)}, notExists, nil))
	b.AddRowChange(putChange(key("a", "there"), columns{"v": int64(3)}, notExists, nil))
	u := &sdk.UpdateRowChange{
		TableName:  "t",
		PrimaryKey: key("b", "up"),
		Condition:  &sdk.RowCondition{},
	}
	u.PutColumn("v", int64(4))
	b.AddRowChange(u)
	b.AddRowChange(&sdk.DeleteRowChange{
		TableName:  "t",
		PrimaryKey: key("c", "gone"),
		Condition:  &sdk.RowCondition{RowExistenceExpectation: exists},
	})
	elsewhere := putChange(key("a", "b"), nil, ignore, nil)
	elsewhere.TableName = "nowhere"
	b.AddRowChange(elsewhere)
	r, err := c.BatchWriteRow(b)
	ok(t, 0, err)
	var codes []string
	for _, row := range r.TableToRowsResult["t"] {
		codes = append(codes, row.Error.Code)
	}
	if want := []string{"", "OTSConditionCheckFail", "",
		"OTSConditionCheckFail"}; !slices.Equal(codes, want) {
		t.Errorf("got %q, want %q", codes, want)
	}
	if got := r.TableToRowsResult["nowhere"][0].Error.Code; got != "OTSObjectNotExist" {
		t.Errorf("a row of no table: %q", got)
	}
	if got := values(t, c, key("a", "there")); got["v"] != int64(1) {
		t.Errorf("a refused row was written: %v", got)
	}
	for _, k := range []*sdk.PrimaryKey{key("a", "new"), key("b", "up")} {
		if values(t, c, k) == nil {
			t.Errorf("%v was not written", k.PrimaryKeys[1].Value)
		}
	}

	fails(t, second(c.BatchWriteRow(&sdk.BatchWriteRowRequest{})), "OTSParameterInvalid",
		"No row is specified in BatchWriteRow.")
	fails(t, second(c.BatchWriteRow(&sdk.BatchWriteRowRequest{
		RowChangesGroupByTable: map[string][]sdk.RowChange{"t": nil},
	})), "OTSParameterInvalid", "No operation is specified for table: 't'.")
	long, heavy := &sdk.BatchWriteRowRequest{}, &sdk.BatchWriteRowRequest{}
	for i := range 201 {
		long.AddRowChange(putChange(key("l", fmt.Sprint(i)), nil, ignore, nil))
	}
	fails(t, second(c.BatchWriteRow(long)), "OTSParameterInvalid",
		"Rows count exceeds the upper limit: 200.")
	for i := range 5 {
		heavy.AddRowChange(putChange(key("h", fmt.Sprint(i)),
			columns{"c": make([]byte, 900<<10)}, ignore, nil))
	}
	fails(t, second(c.BatchWriteRow(heavy)), "OTSParameterInvalid", "")

	// Single rows of a batch may be busy.
	s.SetFault(func(tablestore.Request) tablestore.Fault {
		return tablestore.Fault{Rows: func(i int) *tablestore.Error {
			if i == 1 {
				return tablestore.RowOperationConflict
			}
			return nil
		}}
	})
	two := &sdk.BatchWriteRowRequest{}
	two.AddRowChange(putChange(key("f", "0"), nil, ignore, nil))
	two.AddRowChange(putChange(key("f", "1"), nil, ignore, nil))
	r, err = c.BatchWriteRow(two)
	ok(t, 0, err)
	if rows := r.TableToRowsResult["t"]; !rows[0].IsSucceed || rows[1].IsSucceed ||
		rows[1].Error.Code != "OTSRowOperationConflict" {
		t.Errorf("got %+v", rows)
	}
	if values(t, c, key("f", "0")) == nil || values(t, c, key("f", "1")) != nil {
		t.Error("the busy row was written, or the other was not")
	}
}

func TestAtomicBatch(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	batch := func(changes ...sdk.RowChange) error {
		b := &sdk.BatchWriteRowRequest{IsAtomic: true}
		for _, change := range changes {
			b.AddRowChange(change)
		}
		return second(c.BatchWriteRow(b))
	}
	ok(t, 0, batch(putChange(key("a", "1"), columns{"v": "x"}, notExists, nil),
		putChange(key("a", "2"), nil, ignore, nil)))
	fails(t, batch(putChange(key("a", "3"), nil, ignore, nil),
		putChange(key("a", "1"), columns{"v": "y"}, notExists, nil)), "OTSConditionCheckFail", "")
	if values(t, c, key("a", "3")) != nil || values(t, c, key("a", "1"))["v"] != "x" ||
		values(t, c, key("a", "2")) == nil {
		t.Error("an atomic batch was written in part")
	}
	fails(t, batch(putChange(key("a", "4"), nil, ignore, nil),
		putChange(key("b", "4"), nil, ignore, nil)), "OTSParameterInvalid", "")
	fails(t, batch(putChange(key("a", "5"), nil, ignore, nil),
		putChange(key("a", "5"), nil, ignore, nil)), "OTSParameterInvalid", "")
}

func TestBatchGet(t *testing.T) {
	_, c := opened(t, tablestore.Options{})
	ok(t, 0, second(put(c, key("a", "1"), columns{"v": "x", "w": "y"}, ignore, nil)))
	q := &sdk.MultiRowQueryCriteria{TableName: "t", MaxVersion: 1, ColumnsToGet: []string{"v"}}
	q.AddRow(key("a", "none"))
	q.AddRow(key("a", "1"))
	r, err := c.BatchGetRow(&sdk.BatchGetRowRequest{
		MultiRowQueryCriteria: []*sdk.MultiRowQueryCriteria{q},
	})
	ok(t, 0, err)
	rows := r.TableToRowsResult["t"]
	if len(rows) != 2 || !rows[0].IsSucceed || len(rows[0].PrimaryKey.PrimaryKeys) != 0 ||
		len(rows[1].Columns) != 1 || rows[1].Columns[0].Value != "x" {
		t.Errorf("got %+v", rows)
	}
	fails(t, second(c.BatchGetRow(&sdk.BatchGetRowRequest{})), "OTSParameterInvalid",
		"No row specified in the request of BatchGetRow.")
	for i := range 100 {
		q.AddRow(key("a", fmt.Sprint(i)))
	}
	fails(t, second(c.BatchGetRow(&sdk.BatchGetRowRequest{
		MultiRowQueryCriteria: []*sdk.MultiRowQueryCriteria{q},
	})), "OTSParameterInvalid", "Rows count exceeds the upper limit: 100.")
	none := &sdk.MultiRowQueryCriteria{TableName: "none", MaxVersion: 1}
	none.AddRow(key("a", "1"))
	r, err = c.BatchGetRow(&sdk.BatchGetRowRequest{
		MultiRowQueryCriteria: []*sdk.MultiRowQueryCriteria{none},
	})
	ok(t, 0, err)
	if got := r.TableToRowsResult["none"][0].Error.Code; got != "OTSObjectNotExist" {
		t.Errorf("a row of no table: %q", got)
	}
}

// TestUnits: capacity units are counted per 4 KB of names and values.
func TestUnits(t *testing.T) {
	s, c := opened(t, tablestore.Options{})
	type units struct{ read, write int32 }
	of := func(u *sdk.ConsumedCapacityUnit) units { return units{u.Read, u.Write} }
	check := func(what string, got, want units) {
		t.Helper()
		if got != want {
			t.Errorf("%s costs %+v, want %+v", what, got, want)
		}
	}
	exactly := func(n int) columns {
		return columns{"c": make([]byte, n-len("pk")-len("a")-len("sk")-len("b")-len("c"))}
	}
	k := key("a", "b")
	for _, test := range []struct {
		size   int
		expect sdk.RowExistenceExpectation
		filter sdk.ColumnFilter
		want   units
	}{
		{100, notExists, nil, units{1, 1}}, {4096, ignore, nil, units{0, 1}},
		{4097, ignore, nil, units{0, 2}},
		{100, exists, nil, units{1, 1}}, {9000, ignore, nil, units{0, 3}}, {100, exists,
			compare("pk", sdk.CT_EQUAL, "a"), units{3, 1}}, {8193, ignore, nil, units{0, 3}},
	} {
		r, err := put(c, k, exactly(test.size), test.expect, test.filter)
		ok(t, 0, err)
		check(fmt.Sprint("a put of ", test.size), of(r.ConsumedCapacityUnit), test.want)
	}
	g, err := get(c, k)
	check("a read of 8193", of(ok(t, g, err).ConsumedCapacityUnit), units{3, 0})
	g, err = get(c, k, "none")
	check("a read of a column", of(ok(t, g, err).ConsumedCapacityUnit), units{1, 0})
	g, err = get(c, key("a", "none"))
	check("a read of nothing", of(ok(t, g, err).ConsumedCapacityUnit), units{1, 0})
	d, err := remove(c, k, exists, nil)
	check("a delete", of(ok(t, d, err).ConsumedCapacityUnit), units{1, 1})
	for i := range 10 {
		ok(t, 0,
			second(put(c, key("r", fmt.Sprint(i)), columns{"c": make([]byte, 1000)}, ignore, nil)))
	}
	rr, err := c.GetRange(&sdk.GetRangeRequest{RangeRowQueryCriteria: span(key("r", sdk.MIN),
		key("r", sdk.MAX), sdk.FORWARD, 0)})
	check("a range of 10 KB", of(ok(t, rr, err).ConsumedCapacityUnit), units{3, 0})

	s.ResetUsage()
	ok(t, 0, second(put(c, k, nil, ignore, nil)))
	fails(t, second(put(c, k, nil, notExists, nil)), "OTSConditionCheckFail", "")
	if got, want := s.Usage(), map[string]tablestore.Usage{"t": {
		Requests: 2,
		Reads:    1,
		Writes:   2,
	}}; !reflect.DeepEqual(got, want) {
		t.Errorf("usage %+v, want %+v", got, want)
	}
}
