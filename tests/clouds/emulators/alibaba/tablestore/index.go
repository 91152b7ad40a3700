package tablestore

import (
	"slices"
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// index is the additional state of a table that is a secondary index. Changes of a global index
// wait until they are due, in the order of the writes; each read first applies those that are due.
type index struct {
	meta    message.IndexMeta
	waiting []change // guarded by the table's lock
	last    time.Time
}

// change removes the entry of a key, or puts one, or both.
type change struct {
	due    time.Time
	remove string // a key's sort text; "": nothing
	put    *row   // nil: nothing
}

func (s *Server) createIndex(c *call) ([]byte, *Error) {
	m, err := message.DecodeCreateIndex(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[m.Table]
	if t == nil {
		return nil, errObjectNotExist
	}
	if err := s.attach(t, m.Index, m.BaseData); err != nil {
		return nil, err
	}
	s.tables[m.Index.Name] = t.indexes[len(t.indexes)-1]
	return nil, nil
}

func (s *Server) dropIndex(c *call) ([]byte, *Error) {
	tableName, name, err := message.DecodeDropIndex(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName]
	if t == nil {
		return nil, errObjectNotExist
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.IndexFunc(t.indexes, func(i *table) bool { return i.name == name })
	if at < 0 {
		return nil, errObjectNotExist
	}
	t.indexes = slices.Delete(slices.Clone(t.indexes), at, at+1)
	delete(s.tables, name)
	return nil, nil
}

// attach adds an index to a table. The caller holds the lock of the names.
func (s *Server) attach(t *table, m message.IndexMeta, filled bool) *Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := s.tables[m.Name] != nil || m.Name == t.name ||
		slices.ContainsFunc(t.indexes, func(i *table) bool { return i.name == m.Name })
	switch {
	case taken:
		return errObjectAlreadyExist
	case t.index != nil:
		return invalid("'%s' is an index.", t.name)
	case !validName(m.Name):
		return invalid("Invalid table name: '%s'.", m.Name)
	case len(t.indexes) >= maxIndexes:
		return invalid("The number of indexes exceeds the limit: %d.", maxIndexes)
	case t.versions != 1:
		return invalid("A table with an index must have max versions 1.")
	case t.life != forEver && t.update:
		return invalid("A table with an index and a time to live must not allow updates.")
	}
	i := &table{name: m.Name, life: t.life, versions: 1, skew: t.skew, update: true,
		readyAt: s.o.Now().Add(s.o.ReadyAfter), index: &index{meta: m}}
	if err := i.shape(t, m); err != nil {
		return err
	}
	t.indexes = append(slices.Clone(t.indexes), i)
	if filled {
		t.rows.all(func(r *row) {
			if e := t.entry(i, r); e != nil {
				i.rows.put(e)
			}
		})
	}
	return nil
}

// shape sets the key of an index: the named columns, then the other columns of the table's key.
func (i *table) shape(t *table, m message.IndexMeta) *Error {
	if len(m.Key) == 0 {
		return invalid("The index '%s' has no primary key.", m.Name)
	}
	if local := m.Type == message.IndexLocal; local != (m.UpdateMode == message.UpdateSync) {
		return invalid("A global index is updated asynchronously, a local one synchronously.")
	} else if local && m.Key[0] != t.key[0].Name {
		return invalid("The first column of a local index must be that of the table.")
	}
	names := slices.Clone(m.Key)
	for _, k := range t.key {
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	for _, name := range names {
		s, ok := t.keySchemaOf(name)
		if !ok {
			return invalid("The column '%s' of the index '%s' is neither of the primary key nor "+
				"a defined column that can be in one.", name, m.Name)
		}
		i.key = append(i.key, s)
	}
	if err := checkKeySchema(i.key); err != nil {
		return err
	}
	for _, name := range m.Defined {
		d := t.definedType(name)
		if d == 0 || i.isKey(name) {
			return invalid("The column '%s' of the index '%s' is no defined column.", name, m.Name)
		}
		i.defined = append(i.defined, message.DefinedColumn{Name: name, Type: d})
	}
	return nil
}

// keySchemaOf returns the schema of a column as a key column of an index.
func (t *table) keySchemaOf(name string) (message.KeySchema, bool) {
	for _, k := range t.key {
		if k.Name == name {
			k.Option = 0
			return k, true
		}
	}
	switch t.definedType(name) {
	case message.DefinedInteger:
		return message.KeySchema{Name: name, Type: message.KeyInteger}, true
	case message.DefinedString:
		return message.KeySchema{Name: name, Type: message.KeyString}, true
	case message.DefinedBlob:
		return message.KeySchema{Name: name, Type: message.KeyBinary}, true
	}
	return message.KeySchema{}, false
}

// entry returns what an index stores of a row; nil if the row lacks a column of the index's key.
func (t *table) entry(i *table, r *row) *row {
	if r == nil {
		return nil
	}
	values := make([]plainbuffer.Value, len(i.key))
	for n, k := range i.key {
		if at := slices.IndexFunc(t.key,
			func(s message.KeySchema) bool { return s.Name == k.Name }); at >= 0 {
			values[n] = r.key.values[at]
			continue
		}
		v, ok := r.latest(k.Name)
		if !ok {
			return nil
		}
		values[n] = v.value
	}
	e := &row{key: newKey(values)}
	for _, name := range i.index.meta.Defined {
		if v, ok := r.latest(name); ok {
			e.set(name, v, 1)
		}
	}
	return e
}

// reindex updates the indexes after a row has changed. The caller holds the table's lock, which
// keeps the changes in the order of the writes.
func (s *Server) reindex(t *table, before, after *row) {
	for _, i := range t.indexes {
		old, fresh := t.entry(i, before), t.entry(i, after)
		if old == nil && fresh == nil || sameEntry(old, fresh) {
			continue
		}
		c := change{put: fresh}
		cost := message.Units{Read: 1}
		if old != nil && (fresh == nil || fresh.key.sort != old.key.sort) {
			c.remove = old.key.sort
		}
		if fresh != nil {
			cost.Write = unitsOf(i.size(fresh))
		}
		s.usage.add(i.name, 0, cost)
		i.change(c, s.o.Now(), time.Duration(s.lag.Load()))
	}
}

// sameEntry reports whether two entries are equal. Timestamps of versions do not count.
func sameEntry(a, b *row) bool {
	return a != nil && b != nil && a.key.sort == b.key.sort &&
		slices.EqualFunc(a.columns, b.columns, func(a, b column) bool {
			return a.name == b.name && a.versions[0].value == b.versions[0].value
		})
}

func (i *table) change(c change, now time.Time, lag time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.index.meta.Type == message.IndexLocal {
		lag = 0
	}
	if c.due = now.Add(lag); c.due.Before(i.index.last) {
		c.due = i.index.last
	}
	i.index.last = c.due
	i.index.waiting = append(i.index.waiting, c)
	i.catchUp(now)
}

// catchUp applies the changes that are due. The caller holds the lock for writing.
func (i *table) catchUp(now time.Time) {
	n := 0
	for _, c := range i.index.waiting {
		if c.due.After(now) {
			break
		}
		n++
		if c.remove != "" {
			i.rows.remove(c.remove)
		}
		if c.put != nil {
			i.rows.put(c.put)
		}
	}
	if i.index.waiting = i.index.waiting[n:]; len(i.index.waiting) == 0 {
		i.index.waiting = nil
	}
}

// read runs f with the lock held for reading. If t is an index, read first applies the changes that
// are due.
func (t *table) read(now time.Time, f func()) {
	if t.index != nil {
		t.mu.Lock()
		t.catchUp(now)
		t.mu.Unlock()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	f()
}
