package tablestore

import (
	"math"
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

func (s *Server) putRow(c *call) ([]byte, *Error)    { return s.writeRow(c, message.OpPut) }
func (s *Server) updateRow(c *call) ([]byte, *Error) { return s.writeRow(c, message.OpUpdate) }
func (s *Server) deleteRow(c *call) ([]byte, *Error) { return s.writeRow(c, message.OpDelete) }

func (s *Server) writeRow(c *call, op int32) ([]byte, *Error) {
	m, err := message.DecodeWrite(c.body, op)
	if err != nil {
		return nil, malformed(err)
	}
	if m.Transaction != "" {
		return nil, invalid("TransactionID is invalid.")
	}
	t, problem := s.table(m.Table)
	if problem != nil {
		return nil, problem
	}
	w, problem := t.parse(m)
	if problem != nil {
		return nil, problem
	}
	t.mu.Lock()
	out := s.write(t, w)
	t.mu.Unlock()
	s.usage.add(t.name, 1, out.cost)
	if out.err != nil {
		return nil, out.err
	}
	return message.AppendWritten(nil, out.cost, out.row), nil
}

// write is a write of one row, with all checks done that do not need the table's lock.
type write struct {
	op     int32
	key    key
	cells  []plainbuffer.Cell
	exists int32
	filter *message.Filter
	back   message.ReturnContent
}

// outcome is the result of a write.
type outcome struct {
	err  *Error
	cost message.Units
	row  []byte // what the request asked to return
}

// parse decodes and checks a write.
func (t *table) parse(m message.Write) (w write, problem *Error) {
	if t.index != nil {
		return w, invalid("'%s' is an index, it cannot be written.", t.name)
	}
	w = write{op: m.Op, exists: m.Condition.Existence, back: m.Return}
	if w.exists < message.Ignore || w.exists > message.ExpectNotExist {
		return w, invalid("Invalid row existence expectation: %d.", w.exists)
	}
	if w.filter, problem = filterOf(m.Condition.Column, false); problem != nil {
		return w, problem
	}
	rows, err := plainbuffer.Decode(m.Row)
	if err != nil {
		return w, invalid("Invalid row: %v.", err)
	}
	if len(rows) != 1 {
		return w, invalid("Invalid row: there are %d.", len(rows))
	}
	if len(m.Row) > maxWriteBytes {
		return w, invalid("The total data size of the row exceeds the limit, limit size: %d, "+
			"data size: %d.", maxWriteBytes, len(m.Row))
	}
	use := exact
	if w.op == message.OpPut {
		use = forPut
	}
	if w.key, problem = t.checkKey(rows[0].Key, use); problem != nil {
		return w, problem
	}
	w.cells = rows[0].Columns
	return w, t.checkCells(w)
}

func (t *table) checkCells(w write) *Error {
	switch n := len(w.cells); {
	case w.op < message.OpPut || w.op > message.OpDelete:
		return invalid("Invalid operation type: %d.", w.op)
	case n > maxColumns:
		return invalid("The number of attribute columns exceeds the limit, limit count: %d, "+
			"column count: %d.", maxColumns, n)
	case n == 0 && w.op == message.OpUpdate:
		return invalid("Attribute column is missing.")
	case n > 0 && w.op == message.OpDelete:
		return invalid("A delete of a row has no attribute columns.")
	}
	for _, c := range w.cells {
		if err := t.checkCell(w.op, c); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) checkCell(op int32, c plainbuffer.Cell) *Error {
	switch {
	case !validColumn(c.Name):
		return invalid("Invalid column name: '%.300s'.", c.Name)
	case t.isKey(c.Name):
		return invalid("Duplicated attribute column name with primary key column: '%s' while "+
			"putting/updating row.", c.Name)
	case c.Op != plainbuffer.Put && op == message.OpPut:
		return invalid("Invalid operation for the column '%s' of a row to be put.", c.Name)
	case c.Op == plainbuffer.DeleteOne && !c.HasTimestamp:
		return invalid("No version of the column '%s' to be deleted.", c.Name)
	case c.Op == plainbuffer.DeleteAll && c.HasTimestamp:
		return invalid("A version of the column '%s', of which all are to be deleted.", c.Name)
	}
	switch c.Op {
	case plainbuffer.DeleteAll, plainbuffer.DeleteOne:
		return nil
	case plainbuffer.Increment:
		if c.NoValue || c.Value.Kind != plainbuffer.Integer {
			return invalid("The increment of the column '%s' is not INTEGER.", c.Name)
		}
	}
	if c.NoValue {
		return invalid("The column '%s' has no value.", c.Name)
	}
	return checkValue(c.Name, c.Value)
}

// check reports whether the conditions of a write hold, and the read units that they cost. The
// caller holds the lock.
func (t *table) check(w write, r *row) (units int32, ok bool) {
	if w.exists != message.Ignore {
		units = unitsOf(t.keySize(w.key))
	}
	if w.exists == message.ExpectExist && r == nil ||
		w.exists == message.ExpectNotExist && r != nil {
		return units, false
	}
	if w.filter == nil {
		return units, true
	}
	if units = 1; r != nil {
		units = unitsOf(t.size(r))
	}
	return units, t.holds(w.filter, r)
}

// write carries out a write. The caller holds the table's lock.
func (s *Server) write(t *table, w write) outcome {
	now := s.o.Now()
	w, problem := t.numbered(w)
	if problem != nil {
		return outcome{err: problem}
	}
	before := t.rows.get(w.key.sort)
	there := t.alive(before, now)
	read, ok := t.check(w, there)
	if !ok {
		return outcome{err: errConditionCheckFail, cost: failedCondition}
	}
	after, problem := t.applied(w, there, now)
	if problem != nil {
		return outcome{err: problem}
	}
	if after == nil {
		t.rows.remove(w.key.sort)
	} else {
		t.rows.put(after)
	}
	s.reindex(t, before, after)
	return outcome{
		cost: message.Units{Read: read, Write: unitsOf(t.writeSize(w))},
		row:  t.giveBack(w, after),
	}
}

// numbered assigns the next number to an auto-increment column.
func (t *table) numbered(w write) (write, *Error) {
	for i, v := range w.key.values {
		if v.Kind == plainbuffer.AutoIncrement {
			if t.number == math.MaxInt64 {
				return w, invalid("The numbers of the auto-increment column are used up.")
			}
			t.number++
			values := append([]plainbuffer.Value(nil), w.key.values...)
			values[i] = plainbuffer.Int(t.number)
			w.key = newKey(values)
		}
	}
	return w, nil
}

// applied returns the row after a write; nil if there is none.
func (t *table) applied(w write, there *row, now time.Time) (*row, *Error) {
	var after *row
	switch {
	case w.op == message.OpDelete:
		return nil, nil
	case w.op == message.OpPut || there == nil:
		after = &row{key: w.key}
	case !t.update:
		return nil, invalid("The table does not allow updates.")
	default:
		after = there.clone()
	}
	for _, c := range w.cells {
		if err := t.applyCell(after, c, now); err != nil {
			return nil, err
		}
	}
	if there == nil && w.op == message.OpUpdate && onlyDeletes(w.cells) {
		return nil, nil
	}
	return after, nil
}

func onlyDeletes(cells []plainbuffer.Cell) bool {
	for _, c := range cells {
		if c.Op == plainbuffer.Put || c.Op == plainbuffer.Increment {
			return false
		}
	}
	return true
}

func (t *table) applyCell(r *row, c plainbuffer.Cell, now time.Time) *Error {
	at := now.UnixMilli()
	if c.HasTimestamp {
		if at = c.Timestamp; c.Op != plainbuffer.DeleteOne {
			if d := now.UnixMilli() - at; d > t.skew*1000 || d < -t.skew*1000 {
				return invalid("The version %d of the column '%s' deviates too much from the "+
					"system time.", at, c.Name)
			}
		}
	}
	v := c.Value
	switch c.Op {
	case plainbuffer.DeleteAll:
		r.remove(c.Name)
		return nil
	case plainbuffer.DeleteOne:
		r.removeVersion(c.Name, at)
		return nil
	case plainbuffer.Increment:
		sum, err := incremented(r, c)
		if err != nil {
			return err
		}
		v = sum
	}
	if d := t.definedType(c.Name); d != 0 && kindOfDefined(d) != v.Kind {
		return invalid("The value of the defined column '%s' is %s, want %s.", c.Name, v.Kind,
			kindOfDefined(d))
	}
	if t.inIndexKey(c.Name) && len(v.Text) > maxKeyBytes {
		return invalid("The length of column: '%s', which is in the primary key of an index, "+
			"exceeds the MaxLength: %d with CurrentLength: %d.",
			c.Name, maxKeyBytes, len(v.Text))
	}
	r.set(c.Name, version{at, v}, t.versions)
	return nil
}

func incremented(r *row, c plainbuffer.Cell) (plainbuffer.Value, *Error) {
	was, ok := r.latest(c.Name)
	if !ok {
		return c.Value, nil
	}
	if was.value.Kind != plainbuffer.Integer {
		return was.value, invalid("The column '%s' to be incremented is %s, not INTEGER.", c.Name,
			was.value.Kind)
	}
	a, b := was.value.Num, c.Value.Num
	if sum := a + b; (sum > a) == (b > 0) {
		return plainbuffer.Int(sum), nil
	}
	return was.value, invalid("The increment of the column '%s' overflows.", c.Name)
}

func (t *table) inIndexKey(name string) bool {
	for _, i := range t.indexes {
		if i.isKey(name) {
			return true
		}
	}
	return false
}

// kindOfDefined returns the kind of the values of a defined column; 0xff for an invalid type.
func kindOfDefined(d int32) plainbuffer.Kind {
	switch d {
	case message.DefinedInteger:
		return plainbuffer.Integer
	case message.DefinedDouble:
		return plainbuffer.Double
	case message.DefinedBoolean:
		return plainbuffer.Boolean
	case message.DefinedString:
		return plainbuffer.String
	case message.DefinedBlob:
		return plainbuffer.Blob
	}
	return 0xff
}

// writeSize returns the size of a write, in bytes, as TableStore counts it.
func (t *table) writeSize(w write) int {
	n := t.keySize(w.key)
	for _, c := range w.cells {
		if c.Op == plainbuffer.DeleteAll || c.Op == plainbuffer.DeleteOne {
			n += len(c.Name)
			continue
		}
		n += t.columnSize(c.Name, version{value: c.Value})
	}
	return n
}

// giveBack returns what the write asked to return of the row.
func (t *table) giveBack(w write, after *row) []byte {
	switch {
	case w.back.Type == message.ReturnKey:
		return plainbuffer.Append(nil, plainbuffer.Row{Key: t.cells(w.key)})
	case w.back.Type != message.ReturnAfterModify || after == nil:
		return nil
	}
	out := plainbuffer.Row{Key: t.cells(w.key)}
	for _, name := range w.back.Columns {
		if v, ok := after.latest(name); ok {
			out.Columns = append(out.Columns,
				plainbuffer.Cell{Name: name, Value: v.value, Timestamp: v.at, HasTimestamp: true})
		}
	}
	return plainbuffer.Append(nil, out)
}
