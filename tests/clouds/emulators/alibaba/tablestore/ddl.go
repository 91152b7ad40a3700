package tablestore

import (
	"maps"
	"slices"
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
)

// Defaults of a table's options.
const (
	defaultSkew = 86_400 // s
	forEver     = -1
)

// pace returns an error if there are more table operations in a second than TableRate.
func (s *Server) pace() *Error {
	if s.o.TableRate <= 0 {
		return nil
	}
	s.rateMu.Lock()
	defer s.rateMu.Unlock()
	if now := s.o.Now().Unix(); now != s.second {
		s.second, s.inIt = now, 0
	}
	if s.inIt++; s.inIt > s.o.TableRate {
		return errTooFrequent
	}
	return nil
}

func malformed(err error) *Error { return invalid("Invalid protocol buffer: %v.", err) }

func (s *Server) createTable(c *call) ([]byte, *Error) {
	m, err := message.DecodeCreateTable(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	if e := m.Encrypt; e.KeyType != 0 && !e.Enable || e.Enable && e.KeyType != 1 {
		return nil, invalid(
			"Encryption is supported by the emulator with the key type SSE_KMS_SERVICE alone.")
	}
	if m.LocalTxn {
		return nil, invalid("Local transactions are not supported by the emulator.")
	}
	t, problem := s.newTable(m)
	if problem != nil {
		return nil, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[t.name] != nil {
		return nil, errObjectAlreadyExist
	}
	if s.count() >= maxTables {
		return nil, errTooManyTables
	}
	for _, i := range m.Indexes {
		if err := s.attach(t, i, false); err != nil {
			return nil, err
		}
	}
	s.tables[t.name] = t
	for _, i := range t.indexes {
		s.tables[i.name] = i
	}
	return nil, nil
}

// count returns the number of tables, indexes not included.
func (s *Server) count() (n int) {
	for _, t := range s.tables {
		if t.index == nil {
			n++
		}
	}
	return n
}

func (s *Server) newTable(m message.CreateTable) (*table, *Error) {
	if !validName(m.Meta.Name) {
		return nil, invalid("Invalid table name: '%s'.", m.Meta.Name)
	}
	t := &table{
		name:     m.Meta.Name,
		key:      m.Meta.Key,
		defined:  m.Meta.Defined,
		encrypt:  m.Encrypt,
		life:     forEver,
		versions: 1,
		skew:     defaultSkew,
		update:   true,
		readyAt:  s.o.Now().Add(s.o.ReadyAfter),
	}
	if err := checkKeySchema(t.key); err != nil {
		return nil, err
	}
	if err := t.checkDefined(); err != nil {
		return nil, err
	}
	if err := t.setOptions(m.Options); err != nil {
		return nil, err
	}
	return t, t.reserve(m.Reserved, s.o.Now())
}

func checkKeySchema(key []message.KeySchema) *Error {
	if len(key) < 1 || len(key) > maxKeyColumns {
		return invalid("The number of primary key columns must be in range: [1, %d].",
			maxKeyColumns)
	}
	seen := map[string]bool{}
	given := 0
	for i, k := range key {
		if !validName(k.Name) {
			return invalid("Invalid primary key name: '%s'.", k.Name)
		}
		if seen[k.Name] {
			return invalid("Duplicated primary key name: '%s'.", k.Name)
		}
		seen[k.Name] = true
		if k.Type < message.KeyInteger || k.Type > message.KeyBinary {
			return invalid("%d is an invalid type for the primary key.", k.Type)
		}
		if k.Option != 0 {
			if given++; k.Option != message.OptionAutoIncrement || k.Type != message.KeyInteger ||
				i == 0 || given > 1 {
				return invalid("AUTO_INCREMENT is for one INTEGER column of the primary key that " +
					"is not the first.")
			}
		}
	}
	return nil
}

// checkDefined checks the defined columns.
func (t *table) checkDefined() *Error {
	if len(t.defined) > maxDefined {
		return invalid("The number of defined columns exceeds the limit, limit count: %d, column "+
			"count: %d.", maxDefined, len(t.defined))
	}
	seen := map[string]bool{}
	for _, d := range t.defined {
		switch {
		case !validName(d.Name):
			return invalid("Invalid column name: '%s'.", d.Name)
		case seen[d.Name], t.isKey(d.Name):
			return invalid("Duplicated column name: '%s'.", d.Name)
		case kindOfDefined(d.Type) == 0xff:
			return invalid("Invalid type of the defined column '%s'.", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}

// setOptions applies the options that a request sets. The caller holds the lock of the table,
// unless the table is not yet visible.
func (t *table) setOptions(o message.Options) *Error {
	life, versions, skew, update := t.life, t.versions, t.skew, t.update
	if o.TimeToLive != nil {
		life = *o.TimeToLive
	}
	if o.MaxVersions != nil {
		versions = int(*o.MaxVersions)
	}
	if o.Deviation != nil {
		skew = *o.Deviation
	}
	if o.AllowUpdate != nil {
		update = *o.AllowUpdate
	}
	switch {
	case life != forEver && life < minTimeToLive:
		return invalid("Invalid time to live: %d; it is %d or at least %d.", life, forEver,
			minTimeToLive)
	case versions < 1:
		return invalid("Invalid max versions: %d.", versions)
	case skew < 1:
		return invalid("Invalid max version offset: %d.", skew)
	case len(t.indexes) > 0 && versions != 1:
		return invalid("A table with an index must have max versions 1.")
	case len(t.indexes) > 0 && life != forEver && update:
		return invalid("A table with an index and a time to live must not allow updates.")
	}
	t.life, t.versions, t.skew, t.update = life, versions, skew, update
	return nil
}

func (t *table) reserve(u message.Units, now time.Time) *Error {
	const max = 100_000
	if u.Read < 0 || u.Write < 0 || u.Read > max || u.Write > max {
		return invalid("Reserved throughput must be in range: [0, %d].", max)
	}
	t.reserved, t.raised = u, now.Unix()
	return nil
}

func (s *Server) listTable(*call) ([]byte, *Error) {
	if err := s.pace(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return message.AppendListTable(nil, slices.Sorted(maps.Keys(s.tables))), nil
}

func (s *Server) deleteTable(c *call) ([]byte, *Error) {
	name, err := message.DecodeTableName(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[name]
	switch {
	case t == nil:
		return nil, errObjectNotExist
	case t.index != nil:
		return nil, invalid("'%s' is an index; use DropIndex.", name)
	case len(t.indexes) > 0:
		return nil, invalid("The table has %d indexes; drop them first.", len(t.indexes))
	}
	delete(s.tables, name)
	return nil, nil
}

func (s *Server) describeTable(c *call) ([]byte, *Error) {
	name, err := message.DecodeTableName(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	t, problem := s.anyTable(name)
	if problem != nil {
		return nil, problem
	}
	return message.AppendDescription(nil, t.describe(s.o.Now())), nil
}

func (t *table) describe(now time.Time) message.Description {
	t.mu.RLock()
	defer t.mu.RUnlock()
	life, versions, skew, update := t.life, int32(t.versions), t.skew, t.update
	d := message.Description{
		Meta:     message.TableMeta{Name: t.name, Key: t.key, Defined: slices.Clone(t.defined)},
		Reserved: t.reserved, Raised: t.raised, Status: message.StatusActive, Encrypt: t.encrypt,
		Options: message.Options{
			TimeToLive:  &life,
			MaxVersions: &versions,
			Deviation:   &skew,
			AllowUpdate: &update,
		},
	}
	if now.Before(t.readyAt) {
		d.Status = message.StatusLoading
	}
	for _, i := range t.indexes {
		d.Indexes = append(d.Indexes, i.index.meta)
	}
	return d
}

// updateEvery is the minimum time between two changes of a table's options.
const updateEvery = 2 * time.Minute

func (s *Server) updateTable(c *call) ([]byte, *Error) {
	m, err := message.DecodeUpdateTable(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if err := s.pace(); err != nil {
		return nil, err
	}
	t, problem := s.anyTable(m.Table)
	if problem != nil {
		return nil, problem
	}
	if t.index != nil {
		return nil, invalid("'%s' is an index, it cannot be updated.", m.Table)
	}
	now := s.o.Now()
	if err := s.paceUpdate(t.name, now); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if problem = t.setOptions(m.Options); problem == nil && m.Reserved != nil {
		problem = t.reserve(*m.Reserved, now)
	}
	for _, i := range t.indexes {
		i.mu.Lock()
		i.life = t.life
		i.mu.Unlock()
	}
	t.mu.Unlock()
	if problem != nil {
		return nil, problem
	}
	return message.AppendUpdated(nil, t.describe(now)), nil
}

func (s *Server) paceUpdate(name string, now time.Time) *Error {
	if s.o.TableRate <= 0 {
		return nil
	}
	s.rateMu.Lock()
	defer s.rateMu.Unlock()
	if last, ok := s.updated[name]; ok && now.Sub(last) < updateEvery {
		return errTooFrequent
	}
	s.updated[name] = now
	return nil
}

func (s *Server) addDefinedColumn(c *call) ([]byte, *Error) {
	name, columns, err := message.DecodeAddDefinedColumn(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	return nil, s.redefine(name, func(t *table) *Error {
		before := t.defined
		t.defined = append(slices.Clone(before), columns...)
		if err := t.checkDefined(); err != nil {
			t.defined = before
			return err
		}
		return nil
	})
}

func (s *Server) deleteDefinedColumn(c *call) ([]byte, *Error) {
	name, columns, err := message.DecodeDeleteDefinedColumn(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	return nil, s.redefine(name, func(t *table) *Error {
		for _, column := range columns {
			if t.definedType(column) == 0 {
				return invalid("There is no defined column '%s'.", column)
			}
			for _, i := range t.indexes {
				if i.isKey(column) || slices.Contains(i.index.meta.Defined, column) {
					return invalid("The defined column '%s' is used by the index '%s'.",
						column, i.name)
				}
			}
		}
		t.defined = slices.DeleteFunc(slices.Clone(t.defined),
			func(d message.DefinedColumn) bool { return slices.Contains(columns, d.Name) })
		return nil
	})
}

func (s *Server) redefine(name string, change func(*table) *Error) *Error {
	if err := s.pace(); err != nil {
		return err
	}
	t, err := s.anyTable(name)
	if err != nil {
		return err
	}
	if t.index != nil {
		return invalid("'%s' is an index, it has no defined columns of its own.", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return change(t)
}
