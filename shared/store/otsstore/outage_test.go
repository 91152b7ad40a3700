package otsstore_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// rejectAll makes every request fail in one way.
func rejectAll(status int, code, text string) func(*testing.T, *tablestore.Server) {
	return func(_ *testing.T, s *tablestore.Server) {
		s.SetFault(func(tablestore.Request) tablestore.Fault {
			return tablestore.Fault{Refuse: &tablestore.Error{Status: status, Code: code,
				Text: text}}
		})
	}
}

func noFault(_ *testing.T, s *tablestore.Server, _ *otsstore.Store) { s.SetFault(nil) }

func ownKey(_ *testing.T, s *tablestore.Server, _ *otsstore.Store) {
	s.SetKeys(tablestore.DefaultKey)
}

// TestPutRight: an error that an operator must fix says what to do. After the fix the same engine
// goes on, and nothing is lost: neither the executions under way nor the result of a call that
// arrived meanwhile.
func TestPutRight(t *testing.T) {
	every := []string{"GetRow", "PutRow", "DeleteRow", "BatchWriteRow", "GetRange"}
	for name, test := range map[string]struct {
		fault  func(*testing.T, *tablestore.Server)
		fix    func(*testing.T, *tablestore.Server, *otsstore.Store)
		advice string
	}{
		"expired token": {func(_ *testing.T, s *tablestore.Server) {
			s.SetKeys(tablestore.Key{ID: "test", Secret: "test", Expires: time.Unix(1, 0)})
		}, ownKey, "the STS token has expired or is not valid; the provider of the " +
			"credentials must fetch new ones, which the next request uses"},
		"another secret": {func(_ *testing.T, s *tablestore.Server) {
			s.SetKeys(tablestore.Key{ID: "test", Secret: "other"})
		}, ownKey, "the secret is not the access key's"},
		"unknown key": {func(_ *testing.T, s *tablestore.Server) { s.SetKeys() }, ownKey,
			"the access key is not valid here"},
		"no permission": {func(_ *testing.T, s *tablestore.Server) {
			s.SetKeys(tablestore.Key{ID: "test", Secret: "test", Deny: every})
		}, ownKey, "go run ./infra/alibaba -only roles"},
		"no instance": {rejectAll(403, "OTSAuthFailed", "The instance is not found."), noFault,
			"go run ./infra/alibaba -only instance; MILLRACE_INSTANCE"},
		"stopped": {rejectAll(403, "OTSAuthFailed", "The instance is not running."), noFault,
			"the account is overdue"},
		"no table": {rejectAll(404, "OTSObjectNotExist", "Requested table does not exist."),
			noFault, "go run ./infra/alibaba -only tables; MILLRACE_TABLE"},
		"other keys": {rejectAll(400, "OTSInvalidPK",
			"Validate PK name fail. Input: s, Meta: id."), noFault, "is it another program's?"},
		"capacity": {rejectAll(403, "OTSNotEnoughCapacityUnit",
			"Remaining capacity unit is not enough."), noFault, "bills by request"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := tablestore.New(tablestore.Options{})
				driver := open(t, server, otsstore.Options{})
				s := store.New(store.Options{Driver: driver, TailBytes: 3 << 10})
				f := &store.Flow{Account: "1234567890123456", Name: "f", ID: "f1",
					Mode: flow.Standard}
				if err := s.CreateFlow(t.Context(), f, definition, 0); err != nil {
					t.Fatal(err)
				}
				tasks := &callCounter{by: map[string]int{}}
				r := startServer(t, s, tasks)
				start := func(n string) error {
					_, _, err := r.StartExecution(t.Context(),
						engine.Start{Flow: f, Name: n, Input: []byte(`{"n":1}`),
							Canonical: []byte(`{"n":1}`)})
					return err
				}
				if err := start("before"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // its first call is under way
				test.fault(t, server)
				if err := start("meanwhile"); err == nil ||
					!strings.Contains(err.Error(), test.advice) ||
					strings.Count(err.Error(), "otsstore:") != 1 {
					t.Errorf("start: %v, want %q in it", err, test.advice)
				}
				time.Sleep(5 * time.Minute)
				test.fix(t, server, driver)
				if err := start("after"); err != nil {
					t.Error(err)
				}
				time.Sleep(30 * time.Minute)
				wantSucceeded(t, s, f, "before")
				wantSucceeded(t, s, f, "after")
				if len(tasks.by) != 6 {
					t.Errorf("%d attempts: %v", len(tasks.by), tasks.by)
				}
			})
		})
	}
}

// TestOlderLayout: a table from before listing lacks a column and an index. The error names what is
// missing, everything else works, and CreateTables adds it, with the existing rows.
func TestOlderLayout(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	older := otsstore.Schema(table)
	older.TableMeta.DefinedColumns = older.TableMeta.DefinedColumns[:2]
	older.IndexMetas = older.IndexMetas[:1]
	if _, err := raw(server).CreateTable(older); err != nil {
		t.Fatal(err)
	}
	s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
	r := row(1, "data")
	r.Wake, r.List = 5, &driver.ListEntry{Group: "g", Sort: "a", Fields: []byte("fields")}
	if err := s.Commit(t.Context(), nil, r, absent); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), keyA); err != nil || string(got.Data) != "data" {
		t.Errorf("%q %v", got.Data, err)
	}
	if err := s.CheckTables(t.Context()); err == nil ||
		!strings.Contains(err.Error(),
			"has no defined column g (string), as older tables; create the tables, which adds it "+
				"and loses nothing (go run ./infra/alibaba -only tables)") {
		t.Errorf("CheckTables: %v", err)
	}
	list := func() ([]driver.Listed, error) {
		l, _, err := s.List(t.Context(), driver.ListRange{Group: "g"})
		return l, err
	}
	if _, err := list(); err == nil || !strings.Contains(err.Error(),
		"which adds its list index to an older table and loses nothing (go run ./infra/alibaba "+
			"-only tables)") {
		t.Errorf("List: %v", err)
	}
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, err := list(); err != nil || len(l) != 1 || string(l[0].Fields) != "fields" {
		t.Errorf("%v %v", l, err)
	}
	if err := s.CheckTables(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOtherIndex: an index over other columns cannot be changed. The operator must delete it, and
// CreateTables creates it again.
func TestOtherIndex(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	other := otsstore.Schema(table)
	other.IndexMetas[1].DefinedColumns = nil
	if _, err := raw(server).CreateTable(other); err != nil {
		t.Fatal(err)
	}
	s := otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
	if err := s.CreateTables(t.Context()); err == nil ||
		!strings.Contains(err.Error(),
			"delete this index in TableStore's console and create the tables") {
		t.Errorf("%v", err)
	}
	if _, err := raw(server).DeleteIndex(
		&sdk.DeleteIndexRequest{MainTableName: table, IndexName: otsstore.IndexList(table)},
	); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTables(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.CheckTables(t.Context()); err != nil {
		t.Error(fmt.Errorf("afterwards: %w", err))
	}
}
