package otsstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// IndexWake returns the name of a table's index for waking.
func IndexWake(table string) string { return table + "_wake" }

// IndexList returns the name of a table's index for listing.
func IndexList(table string) string { return table + "_list" }

// Schema describes the table that a Store needs, with its indexes: keys, the columns that indexes
// hold, one version, no time to live, no reserved throughput.
func Schema(table string) *tablestore.CreateTableRequest {
	meta := &tablestore.TableMeta{TableName: table}
	meta.AddPrimaryKeyColumn(colPartition, tablestore.PrimaryKeyType_STRING)
	meta.AddPrimaryKeyColumn(colSort, tablestore.PrimaryKeyType_STRING)
	meta.AddDefinedColumn(colShard, tablestore.DefinedColumn_INTEGER)
	meta.AddDefinedColumn(colWake, tablestore.DefinedColumn_INTEGER)
	meta.AddDefinedColumn(colGroup, tablestore.DefinedColumn_STRING)
	meta.AddDefinedColumn(colListSort, tablestore.DefinedColumn_STRING)
	meta.AddDefinedColumn(colFields, tablestore.DefinedColumn_BINARY)
	return &tablestore.CreateTableRequest{
		TableMeta:          meta,
		TableOption:        &tablestore.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &tablestore.ReservedThroughput{},
		IndexMetas: []*tablestore.IndexMeta{
			index(IndexWake(table), []string{colShard, colWake, colPartition, colSort}),
			index(IndexList(table), []string{colGroup, colListSort, colPartition, colSort},
				colFields),
		},
	}
}

func index(name string, key []string, columns ...string) *tablestore.IndexMeta {
	return &tablestore.IndexMeta{IndexName: name, Primarykey: key, DefinedColumns: columns,
		IndexType: tablestore.IT_GLOBAL_INDEX}
}

// createTime is how long CreateTables waits until the table and its indexes exist.
const createTime = 5 * time.Minute

// CreateTables creates the table of Schema with its indexes. If they exist, CreateTables checks
// their schema, and adds what an older table lacks: defined columns, and indexes over the existing
// rows. It returns when all of them can be used. It may be repeated, and several processes may call
// it at once.
func (s *Store) CreateTables(ctx context.Context) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	ctx, cancel := context.WithTimeout(ctx, createTime)
	defer cancel()
	if err := s.create(ctx, "CreateTable", func(c *tablestore.TableStoreClient) error {
		_, err := c.CreateTable(s.desiredTable())
		return err
	}); err != nil {
		return err
	}
	got, err := s.describeTable(ctx)
	if err != nil {
		return err
	}
	if err := s.addColumns(ctx, got); err != nil {
		return err
	}
	for _, want := range Schema(s.o.Table).IndexMetas {
		if findIndex(got, want.IndexName) != nil {
			continue
		}
		if err := s.create(ctx, "CreateIndex", func(c *tablestore.TableStoreClient) error {
			_, err := c.CreateIndex(&tablestore.CreateIndexRequest{MainTableName: s.o.Table,
				IndexMeta: want, IncludeBaseData: true})
			return err
		}); err != nil {
			return err
		}
	}
	return s.waitReady(ctx)
}

// desiredTable returns the table that CreateTables creates.
func (s *Store) desiredTable() *tablestore.CreateTableRequest {
	request := Schema(s.o.Table)
	if s.o.Encrypted {
		request.SSESpecification = &tablestore.SSESpecification{}
		request.SSESpecification.SetEnable(true)
		request.SSESpecification.SetKeyType(tablestore.SSE_KMS_SERVICE)
	}
	return request
}

// addColumns adds the defined columns that a table lacks. If it fails but the columns exist,
// another process has added them.
func (s *Store) addColumns(ctx context.Context, got *tablestore.DescribeTableResponse) error {
	missing := missingColumns(got)
	if len(missing) == 0 {
		return nil
	}
	_, err := s.call(ctx, "AddDefinedColumn", func(c *tablestore.TableStoreClient) error {
		request := &tablestore.AddDefinedColumnRequest{TableName: s.o.Table}
		for _, column := range missing {
			request.AddDefinedColumn(column.Name, column.ColumnType)
		}
		_, err := c.AddDefinedColumn(request)
		return err
	})
	if err == nil {
		return nil
	}
	if now, failed := s.describeTable(ctx); failed == nil && len(missingColumns(now)) == 0 {
		return nil
	}
	return err
}

// missingColumns returns the defined columns of Schema that a table does not have.
func missingColumns(
	got *tablestore.DescribeTableResponse,
) (missing []*tablestore.DefinedColumnSchema) {
	for _, column := range Schema(got.TableMeta.TableName).TableMeta.DefinedColumns {
		if definedText(got.TableMeta, column.Name) == "" {
			missing = append(missing, column)
		}
	}
	return missing
}

// create creates something that may exist already.
func (s *Store) create(
	ctx context.Context, op string, make func(*tablestore.TableStoreClient) error,
) error {
	_, err := s.call(ctx, op, make)
	if codeOf(err) == codeObjectExists {
		return nil
	}
	return err
}

// waitReady waits until the table and its indexes can be read. DescribeTable returns the state of a
// table, but the SDK does not expose it, so waitReady reads them.
func (s *Store) waitReady(ctx context.Context) error {
	probes := []func() error{
		func() error {
			_, err := s.getRow(ctx, driver.Key{Partition: "ready", Sort: "ready"}, colVersion)
			return err
		},
		func() error {
			q := s.query(IndexWake(s.o.Table), 1)
			q.StartPrimaryKey, q.EndPrimaryKey = wakeBounds(0, 0)
			_, err := s.getRange(ctx, "GetRange wake", q)
			return err
		},
		func() error {
			_, err := s.getRange(ctx, "GetRange list",
				s.listQuery(driver.ListRange{Group: "ready", Limit: 1}))
			return err
		},
	}
	if err := s.checkTables(ctx); err != nil {
		return err
	}
	end := time.Now().Add(createTime)
	for _, probe := range probes {
		for n := 0; ; n++ {
			err := probe()
			if err == nil || errors.Is(err, driver.ErrNotFound) {
				break
			}
			// An index that DescribeTable lists may not be found yet.
			if code := codeOf(err); code != codeTableNotReady && code != codeNoObject ||
				!driver.Backoff(ctx, n, end) {
				return err
			}
		}
	}
	return nil
}

// CheckTables compares the table and its indexes with Schema and reports what differs: keys, the
// columns that indexes hold, versions, time to live, and encryption if Options.Encrypted is set.
func (s *Store) CheckTables(ctx context.Context) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	return s.checkTables(ctx)
}

func (s *Store) describeTable(
	ctx context.Context,
) (out *tablestore.DescribeTableResponse, err error) {
	_, err = s.call(ctx, "DescribeTable", func(c *tablestore.TableStoreClient) (err error) {
		out, err = c.DescribeTable(&tablestore.DescribeTableRequest{TableName: s.o.Table})
		return err
	})
	return out, err
}

func (s *Store) checkTables(ctx context.Context) error {
	got, err := s.describeTable(ctx)
	if err != nil {
		return err
	}
	want := Schema(s.o.Table)
	if err := s.differs("keys", keyText(want.TableMeta), keyText(got.TableMeta)); err != nil {
		return err
	}
	for _, w := range want.TableMeta.DefinedColumns {
		if err := s.differs(
			"defined column "+w.Name, definedText(want.TableMeta, w.Name),
			definedText(got.TableMeta, w.Name),
		); err != nil {
			return err
		}
	}
	for _, w := range want.IndexMetas {
		if err := s.differs(
			"index "+w.IndexName, indexText(w), indexText(findIndex(got, w.IndexName)),
		); err != nil {
			return err
		}
	}
	if got.TableOption.TimeToAlive != -1 || got.TableOption.MaxVersion != 1 {
		return fmt.Errorf(
			"otsstore: table %q: time to live %d and %d versions, want -1 and 1: rows would "+
				"vanish or cost more; change the table's options in TableStore's console",
			s.o.Table, got.TableOption.TimeToAlive, got.TableOption.MaxVersion)
	}
	if s.o.Encrypted && !got.SSEDetails.Enable {
		return fmt.Errorf(
			"otsstore: table %q is not encrypted at rest, which can be chosen only when a table "+
				"is made; create the tables under another name (MILLRACE_TABLE)",
			s.o.Table)
	}
	return nil
}

func (s *Store) differs(what, want, got string) error {
	switch {
	case want == got:
		return nil
	case got == "":
		return fmt.Errorf(
			"otsstore: table %q has no %s (%s), as older tables; create the tables, which adds "+
				"it and loses nothing%s", s.o.Table, what, want, fixTables)
	case strings.HasPrefix(what, "index "):
		return fmt.Errorf(
			"otsstore: table %q: %s: want %s, the table has (%s); delete this index in "+
				"TableStore's console and create the tables, which makes it "+
				"again of what is in the table%s", s.o.Table, what, want, got, fixTables)
	}
	return fmt.Errorf(
		"otsstore: table %q: %s: want %s, the table has (%s); it cannot be changed, create the "+
			"tables under another name (MILLRACE_TABLE)",
		s.o.Table, what, want, got)
}

func findIndex(d *tablestore.DescribeTableResponse, name string) *tablestore.IndexMeta {
	for _, i := range d.IndexMetas {
		if i.IndexName == name {
			return i
		}
	}
	return nil
}

// keyText formats a table's key as "p:1,s:1".
func keyText(m *tablestore.TableMeta) string {
	var parts []string
	for _, k := range m.SchemaEntry {
		parts = append(parts, fmt.Sprintf("%s:%d", *k.Name, *k.Type))
	}
	return strings.Join(parts, ",")
}

// definedTypes names the types of defined columns.
var definedTypes = map[tablestore.DefinedColumnType]string{
	tablestore.DefinedColumn_INTEGER: "integer",
	tablestore.DefinedColumn_DOUBLE:  "double",
	tablestore.DefinedColumn_BOOLEAN: "boolean",
	tablestore.DefinedColumn_STRING:  "string",
	tablestore.DefinedColumn_BINARY:  "binary",
}

// definedText returns the type of a defined column; "" if there is none.
func definedText(m *tablestore.TableMeta, name string) string {
	for _, d := range m.DefinedColumns {
		if d.Name == name {
			if text, ok := definedTypes[d.ColumnType]; ok {
				return text
			}
			return fmt.Sprintf("type %d", d.ColumnType)
		}
	}
	return ""
}

func indexText(i *tablestore.IndexMeta) string {
	if i == nil {
		return ""
	}
	return fmt.Sprintf("%v with %v, kind %d", i.Primarykey, i.DefinedColumns, i.IndexType)
}
