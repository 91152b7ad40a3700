package sim

import (
	"fmt"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// catalogs tracks the versions and aliases that flow rows name. Only the scheduler's goroutine uses
// it.
type catalogs struct {
	tokens map[string]uint64          // of the version that has, or had, a number of a flow
	last   map[string]int64           // LastVersion, by flow id
	named  map[string]map[string]bool // sort keys of the rows that a flow names, by its id
}

func newCatalogs() catalogs {
	return catalogs{tokens: map[string]uint64{}, last: map[string]int64{},
		named: map[string]map[string]bool{}}
}

// keeps reports whether a flow names a row of its partition of definitions.
func (f *flowRows) keeps(id, sort string) bool { return f.catalogs.named[id][sort] }

// judgeCatalog checks the catalog of a flow row that was written.
func (w *World) judgeCatalog(named *store.Flow) {
	c, err := named.Catalog()
	if err != nil {
		w.violate("readable", "the catalog of flow %s: %v", named.ID, err)
		return
	}
	known := &w.flows.catalogs
	rows := map[string]bool{named.Hash: true}
	for i := range c.Versions {
		e := &c.Versions[i]
		number := fmt.Sprintf("%s %d", named.ID, e.Number)
		before, used := known.tokens[number]
		switch {
		case used && before != e.Token:
			w.violate("version number", "version %s is that of another request now", number)
		case !used && e.Number <= known.last[named.ID]:
			w.violate("version number", "version %s is used again, after %d", number,
				known.last[named.ID])
		}
		known.tokens[number] = e.Token
		w.checked("version number")
		if v := w.storedVersion(named, e); v != nil {
			w.checked("version kept")
			rows[v.sort], rows[v.Hash] = true, true
			if !used && v.Hash != named.Hash {
				w.violate("version kept", "version %s has another definition than the flow had "+
					"when it was published", number)
			}
		}
	}
	if known.last[named.ID] > named.LastVersion {
		w.violate("version number", "the last version of flow %s falls from %d to %d", named.ID,
			known.last[named.ID], named.LastVersion)
	}
	known.last[named.ID] = named.LastVersion
	for i := range c.Aliases {
		w.judgeAlias(named, c, &c.Aliases[i], rows)
	}
	known.named[named.ID] = rows
}

// judgeAlias checks an alias of a flow row that was written, and adds its row to rows.
func (w *World) judgeAlias(
	named *store.Flow, c *store.Catalog, e *store.AliasEntry, rows map[string]bool,
) {
	w.checked("alias")
	for _, r := range e.Routes {
		if c.Version(r.Version) == nil {
			w.violate("alias", "alias %s of flow %s routes to version %d, which does not exist",
				e.Name, named.ID, r.Version)
		}
	}
	sort := fmt.Sprintf("alias#%s#%016x", e.Name, e.Token)
	if rows[sort] = true; !w.isStored(named.ID, sort) {
		w.violate("version kept", "alias %s of flow %s has no row", e.Name, named.ID)
	}
}

// storedVersion is a version and the sort key of its row.
type storedVersion struct {
	*store.Version
	sort string
}

// storedVersion reads the row of a version and checks that its definition is there. It returns nil
// if the version cannot be read.
func (w *World) storedVersion(f *store.Flow, e *store.VersionEntry) *storedVersion {
	sort := fmt.Sprintf("version#%010d#%016x", e.Number, e.Token)
	if !w.isStored(f.ID, sort) {
		w.violate("version kept", "version %d of flow %s has no row", e.Number, f.ID)
		return nil
	}
	rows := memstore.New()
	rows.Put(always, []driver.Row{w.disk.keys[driver.Key{Partition: "d#" + f.ID, Sort: sort}]})
	v, err := store.New(store.Options{Driver: rows}).Version(always, f, e)
	if err != nil {
		w.violate("readable", "version %d of flow %s: %v", e.Number, f.ID, err)
		return nil
	}
	if !w.isStored(f.ID, v.Hash) {
		w.violate("definition kept", "version %d of flow %s has a definition that is not there, "+
			"or that expires", e.Number, f.ID)
	}
	return &storedVersion{v, sort}
}

// isStored reports whether a row of a flow's definitions is there to stay.
func (w *World) isStored(id, sort string) bool {
	row, ok := w.disk.keys[driver.Key{Partition: "d#" + id, Sort: sort}]
	return ok && row.Expires == 0
}
