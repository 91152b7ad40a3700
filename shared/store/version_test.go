package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// publish publishes a version of the flow, as it is now.
func (w *definitionHarness) publish(token uint64) *store.Version {
	w.Helper()
	v := &store.Version{Description: "d", Created: 7}
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err == nil {
		err = w.PublishVersion(w.ctx, f, v, token, w.inAnHour())
	}
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w *definitionHarness) deleteVersion(number int64) {
	w.Helper()
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err == nil {
		err = w.DeleteVersion(w.ctx, f, number, w.inAnHour())
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *definitionHarness) alias(token uint64, name, description string, versions ...int64) {
	w.Helper()
	a := &store.Alias{Name: name, Description: description}
	for _, number := range versions {
		a.Routes = append(a.Routes, store.Route{Version: number, Weight: 50})
	}
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err == nil {
		err = w.PutAlias(w.ctx, f, a, token, w.inAnHour())
	}
	if err != nil {
		w.Fatal(err)
	}
}

// collect moves the clock, and collects everything that is due.
func (w *definitionHarness) collect(after time.Duration) {
	w.Helper()
	w.at = w.at.Add(after)
	for _, key := range due(w.T, w.rows, w.at) {
		var err error
		switch store.KindOf(key) {
		case store.DefinitionRow:
			err = w.CollectDefinition(w.ctx, key, w.inAnHour())
		case store.FlowDetailRow:
			err = w.CollectFlowDetail(w.ctx, key)
		default:
			w.Errorf("%v is due", key)
		}
		if err != nil {
			w.Fatal(key, err)
		}
	}
}

// details returns the start of the sort keys of all versions and aliases that have a row.
func (w *definitionHarness) details() (list []string) {
	w.Helper()
	rows, _, err := w.rows.Range(w.ctx, driver.Range{Partition: "d#id", Limit: 100})
	if err != nil {
		w.Fatal(err)
	}
	for _, row := range rows {
		if store.KindOf(row.Key) == store.FlowDetailRow {
			list = append(list, row.Sort[:strings.LastIndex(row.Sort, "#")])
		}
	}
	return list
}

func (w *definitionHarness) wantDetails(what string, want ...string) {
	w.Helper()
	if got := w.details(); !slices.Equal(got, want) {
		w.Errorf("%s: %v are stored, want %v", what, got, want)
	}
}

func TestVersionsOfAFlow(t *testing.T) {
	w := newDefinitionHarness(t)
	one := w.publish(11)
	w.update("two")
	two := w.publish(12)
	if one.Number != 1 || two.Number != 2 {
		t.Errorf("versions %d and %d", one.Number, two.Number)
	}
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Catalog()
	if err != nil || len(c.Versions) != 2 || c.Version(3) != nil || c.Published(12).Number != 2 ||
		c.Published(13) != nil {
		t.Fatalf("%+v, %v", c, err)
	}
	v, err := w.Version(w.ctx, f, c.Version(1))
	if err != nil || v.Hash != store.DefinitionHash("one") || v.Description != "d" {
		t.Fatalf("%+v, %v", v, err)
	}
	if at := f.At(v); at.Hash != v.Hash || at.ID != "id" || at.Name != "f" || f.Hash == v.Hash {
		t.Errorf("%+v", at)
	}
}

// TestCollectVersions: a definition stays while a version has it, and goes after the last version
// is deleted. The row of a version goes with it.
func TestCollectVersions(t *testing.T) {
	w := newDefinitionHarness(t)
	w.publish(11)
	w.update("two")
	w.publish(12)
	w.collect(time.Hour)
	w.expect(map[string]int64{"one": 0, "two": 0})
	w.wantDetails("published", "version#0000000001", "version#0000000002")
	w.deleteVersion(2) // the flow still has its definition
	w.wantDetails("deleted", "version#0000000001", "version#0000000002")
	w.collect(time.Hour)
	w.expect(map[string]int64{"one": 0, "two": 0})
	w.wantDetails("collected", "version#0000000001")
	w.deleteVersion(1)
	w.collect(time.Hour)
	w.expect(map[string]int64{"one": w.inAnHour(), "two": 0})
	w.wantDetails("collected")
	w.collect(time.Hour)
	w.expect(map[string]int64{"two": 0})
	if keys := due(t, w.rows, w.at.Add(1000*time.Hour)); len(keys) > 0 {
		t.Errorf("still due: %v", keys)
	}
}

// TestCollectLostRequests: rows of requests that lost their race, or died before they wrote the
// flow, do not stay.
func TestCollectLostRequests(t *testing.T) {
	w := newDefinitionHarness(t)
	w.publish(11)
	w.alias(21, "live", "before", 1)
	w.collect(time.Hour)
	w.rows.Before = func(op string, _ driver.Key) error {
		if op == memstore.OpCAS {
			return driver.ErrConflict
		}
		return nil
	}
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err != nil {
		t.Fatal(err)
	}
	lost := *f
	if err := w.PublishVersion(w.ctx, &lost, &store.Version{}, 12, w.inAnHour()); !errors.Is(err,
		store.ErrConflict) {
		t.Error(err)
	}
	lost = *f
	if err := w.PutAlias(w.ctx, &lost, &store.Alias{Name: "live",
		Routes: []store.Route{{Version: 1}}}, 22, w.inAnHour()); !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
	lost = *f
	if err := w.DeleteAlias(w.ctx, &lost, "live", w.inAnHour()); !errors.Is(err,
		store.ErrConflict) {
		t.Error(err)
	}
	w.rows.Before = nil
	w.wantDetails("lost", "alias#live", "alias#live", "version#0000000001", "version#0000000002")
	w.collect(time.Hour)
	w.wantDetails("collected", "alias#live", "version#0000000001")
	w.alias(23, "live", "after", 1)
	w.wantDetails("replaced", "alias#live", "alias#live", "version#0000000001")
	w.collect(time.Hour)
	w.wantDetails("collected", "alias#live", "version#0000000001")
	if f, err = w.GetFlow(w.ctx, "1", "f"); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteAlias(w.ctx, f, "live", w.inAnHour()); err != nil {
		t.Fatal(err)
	}
	w.collect(time.Hour)
	w.wantDetails("deleted", "version#0000000001")
}

// TestCollectVersionMeanwhile: a version is deleted while the sweeper looks at its definition, or
// at its row.
func TestCollectVersionMeanwhile(t *testing.T) {
	for _, step := range []string{memstore.OpGet, memstore.OpCommit} {
		w := newDefinitionHarness(t)
		w.publish(11)
		w.update("two")
		reached := 0
		w.rows.Before = func(op string, k driver.Key) error {
			if op == step && (op != memstore.OpGet || k.Partition == "f#1#f") && reached == 0 {
				reached++
				w.deleteVersion(1)
			}
			return nil
		}
		w.collect(time.Hour)
		w.rows.Before = nil
		w.collect(time.Hour)
		w.expect(map[string]int64{"one": w.inAnHour(), "two": 0})
		w.wantDetails("collected")
		if reached != 1 {
			t.Errorf("%s: reached %d times", step, reached)
		}
	}
}

// TestDeletedFlowTakesVersionsAlong: the rows of its versions and aliases go with the definitions
// of a flow, and a flow created anew has none.
func TestDeletedFlowTakesVersionsAlong(t *testing.T) {
	w := newDefinitionHarness(t)
	w.publish(11)
	w.alias(21, "live", "", 1)
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err == nil {
		err = w.DeleteFlow(w.ctx, f)
	}
	if err == nil {
		err = w.DeleteDefinitions(w.ctx, "id")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.wantDetails("deleted")
	w.expect(nil)
	if err := w.CreateFlow(w.ctx, &store.Flow{Account: "1", Name: "f", ID: "id"}, "one",
		0); err != nil {
		t.Fatal(err)
	}
	if v := w.publish(12); v.Number != 1 {
		t.Errorf("version %d", v.Number)
	}
}

// TestNewerCatalog: a program keeps what a newer one has added to the catalog of a flow and to the
// entries in it.
func TestNewerCatalog(t *testing.T) {
	w := newDefinitionHarness(t)
	w.publish(11)
	w.alias(21, "live", "", 1)
	key := driver.Key{Partition: "f#1#f", Sort: "a"}
	row, err := w.rows.Get(w.ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	row.Data = inCatalog(t, row.Data, func(catalog []byte) []byte {
		changed := flow.FieldWriter{}
		r := flow.ReadFields(catalog)
		for r.Next() {
			changed.Message(r.Field, addField(r.Message(), "entry"))
		}
		return addField(changed.Buf, "catalog")
	})
	if err := w.rows.Put(w.ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	w.publish(12)
	w.alias(22, "live", "", 1, 2)
	if row, err = w.rows.Get(w.ctx, key); err != nil {
		t.Fatal(err)
	}
	kept := 0
	inCatalog(t, row.Data, func(catalog []byte) []byte {
		wantNew(t, "the catalog", newFieldsIn(flow.ReadFields(catalog)), "catalog")
		r := flow.ReadFields(catalog)
		for r.Next() {
			if r.Field != newField && newFieldsIn(flow.ReadFields(r.Message()))["entry"] {
				kept++
			}
		}
		return catalog
	})
	if kept != 2 {
		t.Errorf("%d entries have kept what was added", kept)
	}
}

// inCatalog returns the row of a flow with a changed catalog.
func inCatalog(t *testing.T, row []byte, change func([]byte) []byte) []byte {
	t.Helper()
	const catalog = 19
	format, r := flow.ReadRow(row)
	w := flow.FieldWriter{}
	start := w.BeginRow(format)
	for r.Next() {
		if r.Field == catalog {
			w.Message(catalog, change(r.Message()))
			continue
		}
		var field []byte
		r.Keep(&field)
		w.Unknown(field)
	}
	if w.End(start); r.Err != nil {
		t.Fatal(r.Err)
	}
	return w.Buf
}

// TestFormatOfVersions: programs that know no versions leave a flow alone while it has some,
// because their sweepers would let the definitions of versions expire.
func TestFormatOfVersions(t *testing.T) {
	w := newDefinitionHarness(t)
	format := func() byte {
		row, err := w.rows.Get(w.ctx, driver.Key{Partition: "f#1#f", Sort: "a"})
		if err != nil {
			t.Fatal(err)
		}
		return row.Data[0]
	}
	if n := format(); n != 1 {
		t.Errorf("without versions: format %d", n)
	}
	w.publish(11)
	if n := format(); n != 2 {
		t.Errorf("with a version: format %d", n)
	}
	w.update("two")
	w.deleteVersion(1)
	if n := format(); n != 1 {
		t.Errorf("without versions again: format %d", n)
	}
	if v := w.publish(12); v.Number != 2 {
		t.Errorf("version %d", v.Number)
	}
}

// TestDamagedCatalog: a catalog that no program writes is reported; nothing is written over it.
func TestDamagedCatalog(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:len(b)-1] },
		"twice":     func(b []byte) []byte { return append(slices.Clone(b), b...) },
	} {
		w := newDefinitionHarness(t)
		w.publish(11)
		w.alias(21, "live", "", 1)
		key := driver.Key{Partition: "f#1#f", Sort: "a"}
		row, err := w.rows.Get(w.ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		row.Data = inCatalog(t, row.Data, damage)
		if err := w.rows.Put(w.ctx, []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
		f, err := w.GetFlow(w.ctx, "1", "f")
		if err != nil {
			t.Fatal(name, err) // starts without a qualifier still work
		}
		if _, err := f.Catalog(); !store.IsDamaged(err) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.PublishVersion(w.ctx, f, &store.Version{}, 12, 1); !store.IsDamaged(err) {
			t.Errorf("%s, publish: %v", name, err)
		}
		w.at = w.at.Add(time.Hour)
		for _, key := range due(t, w.rows, w.at) {
			if store.KindOf(key) == store.FlowDetailRow {
				if err := w.CollectFlowDetail(w.ctx, key); !store.IsDamaged(err) {
					t.Errorf("%s, %v: %v", name, key, err)
				}
			}
		}
		w.wantDetails(name, "alias#live", "version#0000000001")
	}
}

// versionedFlowRow returns the data of the row of the flow f of account 2 with versions and
// aliases.
func versionedFlowRow(t testing.TB) []byte {
	t.Helper()
	d := memstore.New()
	s := store.New(store.Options{Driver: d})
	f := &store.Flow{Account: "2", Name: "f", ID: "id"}
	err := s.CreateFlow(t.Context(), f, "text", 0)
	if err == nil {
		err = s.PublishVersion(t.Context(), f, &store.Version{}, 1, 0)
	}
	if err == nil {
		err = s.PutAlias(t.Context(), f, &store.Alias{Name: "live",
			Routes: []store.Route{{Version: 1, Weight: 100}}}, 2, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	row, err := d.Get(t.Context(), driver.Key{Partition: "f#2#f", Sort: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return row.Data
}

// readCatalog reads everything that a catalog names.
func readCatalog(t *testing.T, s *store.Store, f *store.Flow) {
	t.Helper()
	c, err := f.Catalog()
	if err != nil {
		return
	}
	for i := range c.Versions {
		if c.Version(c.Versions[i].Number) != &c.Versions[i] {
			t.Fatalf("version %d is not found", c.Versions[i].Number)
		}
	}
	for i := range c.Aliases {
		if c.Alias(c.Aliases[i].Name) != &c.Aliases[i] || len(c.Aliases[i].Routes) == 0 {
			t.Fatalf("alias %q is not found, or routes nowhere", c.Aliases[i].Name)
		}
	}
	s.Versions(t.Context(), f, c.Versions)
	s.Aliases(t.Context(), f, c.Aliases)
}

// BenchmarkGetFlow: reading a flow costs the same whether or not it has versions.
func BenchmarkGetFlow(b *testing.B) {
	for name, versions := range map[string]int{"without versions": 0, "with 20 versions": 20} {
		b.Run(name, func(b *testing.B) {
			s := store.New(store.Options{Driver: memstore.New()})
			f := &store.Flow{Account: "1", Name: "f", ID: "id"}
			if err := s.CreateFlow(b.Context(), f, "text", 0); err != nil {
				b.Fatal(err)
			}
			for n := range versions {
				if err := s.PublishVersion(b.Context(), f, &store.Version{}, uint64(n+1),
					0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.GetFlow(b.Context(), "1", "f"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
