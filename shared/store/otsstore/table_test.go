package otsstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// TestCreateTables: CreateTables may be repeated, by several at once, while tables are not ready
// for long and responses are lost.
func TestCreateTables(t *testing.T) {
	server := tablestore.New(tablestore.Options{ReadyAfter: 50 * time.Millisecond})
	server.SetFault(tablestore.Chance{Seed: 1, Lose: 0.2, Busy: 0.1}.Hook())
	var done sync.WaitGroup
	for range 5 {
		done.Go(func() {
			s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
			for range 2 {
				if err := s.CreateTables(t.Context()); err != nil {
					t.Errorf("CreateTables: %v", err)
				}
			}
			if err := s.Put(t.Context(), []driver.Row{{Key: keyA}}); err != nil {
				t.Errorf("Put: %v", err)
			}
			if err := s.CheckTables(t.Context()); err != nil {
				t.Errorf("CheckTables: %v", err)
			}
		})
	}
	done.Wait()
}

// TestEncrypted: a table is encrypted if that is requested. A store that does not request it
// accepts an encrypted table.
func TestEncrypted(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	open := func(encrypted bool) *otsstore.Store {
		return otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table,
			Encrypted: encrypted})
	}
	for _, encrypted := range []bool{true, true, false} {
		if err := open(encrypted).CreateTables(t.Context()); err != nil {
			t.Fatalf("%v: %v", encrypted, err)
		}
	}
	got, err := raw(server).DescribeTable(&sdk.DescribeTableRequest{TableName: table})
	if err != nil || !got.SSEDetails.Enable || got.SSEDetails.KeyType != sdk.SSE_KMS_SERVICE {
		t.Errorf("%+v, %v", got.SSEDetails, err)
	}
	server = tablestore.New(tablestore.Options{})
	if err := open(false).CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := open(true).CreateTables(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "is not encrypted at rest") {
		t.Errorf("a table that is there: %v", err)
	}
}

// raw returns a client of the SDK for a server.
func raw(server *tablestore.Server) *sdk.TableStoreClient {
	config := sdk.NewDefaultTableStoreConfig()
	config.Transport = server
	return sdk.NewClientWithConfig("http://tablestore.test", tablestore.DefaultInstance, "test",
		"test", "", config)
}

// TestMissingIndex: a missing index is added, with the existing rows.
func TestMissingIndex(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	r := row(1, "")
	r.Wake = 5
	if err := s.Commit(t.Context(), nil, r, absent); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(server).DeleteIndex(
		&sdk.DeleteIndexRequest{MainTableName: table, IndexName: otsstore.IndexWake(table)},
	); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckTables(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "millrace_wake") {
		t.Errorf("CheckTables: %v", err)
	}
	if _, _, err := s.Due(t.Context(), 0, 9, "", 0); err == nil ||
		!strings.Contains(err.Error(), "create the tables") {
		t.Errorf("Due: %v", err)
	}
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := 0
	for shard := range s.Shards() {
		due, _, err := s.Due(t.Context(), shard, 9, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		found += len(due)
	}
	if found != 1 {
		t.Errorf("%d rows are due", found)
	}
}

// TestWrongSchema: a table with another schema is rejected, and the error names what differs.
func TestWrongSchema(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*sdk.CreateTableRequest)
		want   string
	}{
		"key": {func(r *sdk.CreateTableRequest) {
			*r.TableMeta.SchemaEntry[1].Name = "sk"
		}, "keys: want p:2,s:2, the table has (p:2,sk:2)"},
		"defined column": {func(r *sdk.CreateTableRequest) {
			r.TableMeta.DefinedColumns[4].ColumnType = sdk.DefinedColumn_STRING
		}, "defined column i"},
		"index": {func(r *sdk.CreateTableRequest) { r.IndexMetas[1].DefinedColumns = nil },
			"index millrace_list"},
		"life": {func(r *sdk.CreateTableRequest) {
			r.TableOption.TimeToAlive = 86_400
			r.IndexMetas = nil
		}, "millrace_wake"},
	} {
		t.Run(name, func(t *testing.T) {
			server := tablestore.New(tablestore.Options{})
			r := otsstore.Schema(table)
			for i := range r.TableMeta.SchemaEntry {
				column := *r.TableMeta.SchemaEntry[i].Name
				r.TableMeta.SchemaEntry[i].Name = &column
			}
			test.change(r)
			if name == "key" {
				r.IndexMetas = nil
			}
			if _, err := raw(server).CreateTable(r); err != nil {
				t.Fatal(err)
			}
			s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table,
				RetryFor: 50 * time.Millisecond})
			if err := s.CheckTables(t.Context()); err == nil ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("CheckTables: %v, want %q in it", err, test.want)
			}
			if err := s.CreateTables(t.Context()); err == nil {
				t.Error("CreateTables answers nil")
			}
		})
	}
}

// TestOtherRows: rows of another program are rejected.
func TestOtherRows(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	put := func(p string, column string, value any) {
		k := &sdk.PrimaryKey{}
		k.AddPrimaryKeyColumn("p", p)
		k.AddPrimaryKeyColumn("s", "a")
		c := &sdk.PutRowChange{TableName: table, PrimaryKey: k, Condition: &sdk.RowCondition{}}
		c.AddColumn(column, value)
		c.AddColumn("w", int64(3))
		c.AddColumn("k", int64(3))
		if _, err := raw(server).PutRow(&sdk.PutRowRequest{PutRowChange: c}); err != nil {
			t.Fatal(err)
		}
	}
	put("not hashed", "n", int64(1))
	if _, _, err := s.Due(t.Context(), 3, 9, "", 0); err == nil ||
		!strings.Contains(err.Error(), "another program's") {
		t.Errorf("Due: %v", err)
	}
	if err := s.Put(t.Context(), []driver.Row{{Key: keyA, Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Range(t.Context(), driver.Range{Partition: keyA.Partition})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	hashed := ""
	for h := range 256 {
		p := fmt.Sprintf("%02x%s", h, keyA.Partition)
		k := &sdk.PrimaryKey{}
		k.AddPrimaryKeyColumn("p", p)
		k.AddPrimaryKeyColumn("s", "a")
		r, err := raw(server).GetRow(&sdk.GetRowRequest{
			SingleRowQueryCriteria: &sdk.SingleRowQueryCriteria{TableName: table, PrimaryKey: k,
				MaxVersion: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.PrimaryKey.PrimaryKeys) > 0 {
			hashed = p
		}
	}
	put(hashed, "f", int64(1))
	if _, err := s.Get(t.Context(), keyA); err == nil ||
		!strings.Contains(err.Error(), `column "f"`) {
		t.Errorf("Get: %v", err)
	}
}

// TestCost: calls cost what TableStore bills for them, and no call is made twice.
func TestCost(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	noise := make([]byte, 9000) // data that is not deflated
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise)
	big := row(1, string(noise))
	big.Wake = 7
	for _, c := range []struct {
		name string
		run  func() error
		want tablestore.Usage // of the table
	}{
		{"claim with two puts", func() error {
			return s.Commit(t.Context(), []driver.Row{
				{Key: driver.Key{Partition: "p", Sort: "1"}},
				{Key: driver.Key{Partition: "p", Sort: "2"}}}, big, absent)
		}, tablestore.Usage{Requests: 3, Reads: 1, Writes: 2 + 3}}, // a condition reads
		{"second claim", func() error {
			if err := s.Commit(t.Context(), nil, big, absent); !errors.Is(err, driver.ErrConflict) {
				return fmt.Errorf("a second claim: %w", err)
			}
			return nil
		}, tablestore.Usage{Requests: 2, Reads: 1 + 1, Writes: 1}}, // it reads the row's stamp
		{"get", func() error { _, err := s.Get(t.Context(), keyA); return err },
			tablestore.Usage{Requests: 1, Reads: 3}},
		{"range", func() error {
			_, _, err := s.Range(t.Context(), driver.Range{Partition: "p"})
			return err
		}, tablestore.Usage{Requests: 1, Reads: 1}},
		{"due", func() error { _, _, err := s.Due(t.Context(), 0, 9, "", 0); return err },
			tablestore.Usage{}}, // it reads an index
		{"delete", func() error { return s.Delete(t.Context(), keyA, nil) },
			tablestore.Usage{Requests: 1, Writes: 1}},
	} {
		server.ResetUsage()
		if err := c.run(); err != nil {
			t.Fatal(err)
		}
		if got := server.Usage()[table]; got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// FuzzCursor: no cursor does harm, and Due accepts the cursors that it returns.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AAAAAAAAAAUDeCMxYQ")
	f.Add("eyJhIjoxfQ")
	server := tablestore.New(tablestore.Options{PageRows: 1})
	s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
	if err := s.CreateTables(f.Context()); err != nil {
		f.Fatal(err)
	}
	for i := range 40 {
		key := driver.Key{Partition: fmt.Sprint("p", i), Sort: "a"}
		r := driver.Row{Key: key, Wake: int64(i + 1)}
		if err := s.Put(f.Context(), []driver.Row{r}); err != nil {
			f.Fatal(err)
		}
	}
	for shard := range s.Shards() {
		if _, next, err := s.Due(f.Context(), shard, 100, "", 1); err == nil && next != "" {
			f.Add(next)
		}
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for shard := range s.Shards() {
			if due, next, err := s.Due(
				t.Context(), shard, 100, cursor, 2,
			); err == nil && next != "" && len(due) == 0 {
				t.Errorf("no rows, but a cursor %q after %q", next, cursor)
			}
		}
	})
}
