package tablestore

import (
	"slices"
	"strings"

	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// row is a stored row. It is immutable: a write makes another.
type row struct {
	key     key
	columns []column // sorted by name
}

type column struct {
	name     string
	versions []version // newest first, at least one
}

type version struct {
	at    int64 // ms since 1970
	value plainbuffer.Value
}

func (r *row) find(name string) (at int, found bool) {
	return slices.BinarySearchFunc(r.columns, name,
		func(c column, name string) int { return strings.Compare(c.name, name) })
}

// latest returns the newest version of a column.
func (r *row) latest(name string) (version, bool) {
	if i, ok := r.find(name); ok {
		return r.columns[i].versions[0], true
	}
	return version{}, false
}

// clone returns a copy. Setting and removing columns of the copy does not change r.
func (r *row) clone() *row {
	return &row{r.key, slices.Clone(r.columns)}
}

// set adds a version of a column, or replaces the version of the same time. It keeps at most the
// max newest versions.
func (r *row) set(name string, v version, max int) {
	i, ok := r.find(name)
	if !ok {
		r.columns = slices.Insert(r.columns, i, column{name, []version{v}})
		return
	}
	versions := slices.Clone(r.columns[i].versions)
	at, same := slices.BinarySearchFunc(versions, v.at,
		func(v version, at int64) int { return compare(at, v.at) })
	if same {
		versions[at] = v
	} else {
		versions = slices.Insert(versions, at, v)
	}
	r.columns[i] = column{name, versions[:min(len(versions), max)]}
}

// remove removes a column.
func (r *row) remove(name string) {
	if i, ok := r.find(name); ok {
		r.columns = slices.Delete(r.columns, i, i+1)
	}
}

// removeVersion removes one version of a column.
func (r *row) removeVersion(name string, at int64) {
	i, ok := r.find(name)
	if !ok {
		return
	}
	left := slices.DeleteFunc(slices.Clone(r.columns[i].versions),
		func(v version) bool { return v.at == at })
	if len(left) == 0 {
		r.remove(name)
		return
	}
	r.columns[i] = column{name, left}
}

// since returns the row without the versions older than at. If there are none, it returns r itself.
func (r *row) since(at int64) *row {
	old := func(c column) bool { return c.versions[len(c.versions)-1].at < at }
	if !slices.ContainsFunc(r.columns, old) {
		return r
	}
	out := &row{key: r.key}
	for _, c := range r.columns {
		n := slices.IndexFunc(c.versions, func(v version) bool { return v.at < at })
		if n < 0 {
			n = len(c.versions)
		}
		if n > 0 {
			out.columns = append(out.columns, column{c.name, c.versions[:n]})
		}
	}
	return out
}
