package store_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

var rewrite = flag.Bool("rewrite-golden", false, "write the golden files anew")

// TestVersionRowsGolden: the rows of versions and aliases, and that of a flow that has some, are
// written as they always were, and what is stored can be read.
func TestVersionRowsGolden(t *testing.T) {
	d := memstore.New()
	s := store.New(store.Options{Driver: d, Random: func(string) uint64 { return 7 }})
	f := &store.Flow{Account: "1", Name: "f", ID: "id", Mode: flow.Standard, RoleArn: "role",
		Environment: []flow.Variable{{Name: "v", Value: "1"}}, Dialect: flow.StateMachine,
		TimeoutSeconds: 9, Created: 1, Modified: 2}
	err := s.CreateFlow(t.Context(), f, "text", 0)
	if err == nil {
		err = s.PublishVersion(t.Context(), f, &store.Version{Description: "d", Created: 3}, 11, 5)
	}
	if err == nil {
		err = s.PublishVersion(t.Context(), f, &store.Version{Created: 4}, 12, 5)
	}
	if err == nil {
		err = s.PutAlias(t.Context(), f, &store.Alias{Name: "live", Description: "a", Created: 6,
			Routes: []store.Route{{Version: 1, Weight: 90}, {Version: 2, Weight: 10}}}, 21, 5)
	}
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, partition := range []string{"f#1#f", "d#id"} {
		rows, _, err := d.Range(t.Context(), driver.Range{Partition: partition})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			text.WriteString(partition + " " + row.Sort + " " + hex.EncodeToString(row.Data) + "\n")
		}
	}
	golden := filepath.Join("testdata", "versions.golden")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != text.String() {
		t.Errorf("written\n%s\nwas\n%s\n%v", text.String(), want, err)
	}
	readVersionRows(t, string(want))
}

// readVersionRows checks that the rows of a golden file are those of a flow with two versions and
// an alias.
func readVersionRows(t *testing.T, golden string) {
	t.Helper()
	d := memstore.New()
	for line := range strings.Lines(golden) {
		part := strings.Fields(line)
		data, err := hex.DecodeString(part[2])
		if err != nil {
			t.Fatal(err)
		}
		row := driver.Row{Key: driver.Key{Partition: part[0], Sort: part[1]}, Version: 1, Data: data}
		if part[0] == "f#1#f" {
			row.Fence = "id"
		}
		if err := d.Put(t.Context(), []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	s := store.New(store.Options{Driver: d})
	f, err := s.GetFlow(t.Context(), "1", "f")
	if err != nil || f.LastVersion != 2 {
		t.Fatal(f, err)
	}
	c, err := f.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	versions, err := s.Versions(t.Context(), f, c.Versions)
	if err != nil || len(versions) != 2 || versions[0].Description != "d" ||
		versions[0].RoleArn != "role" || versions[1].TimeoutSeconds != 9 ||
		versions[1].Environment[0].Value != "1" {
		t.Errorf("%+v, %v", versions, err)
	}
	aliases, err := s.Aliases(t.Context(), f, c.Aliases)
	if err != nil || len(aliases) != 1 || aliases[0].Description != "a" ||
		aliases[0].Routes[1] != (store.Route{Version: 2, Weight: 10}) {
		t.Errorf("%+v, %v", aliases, err)
	}
}
