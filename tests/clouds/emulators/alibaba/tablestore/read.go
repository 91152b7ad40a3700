package tablestore

import (
	"slices"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// view is the part of a row that a read returns.
type view struct {
	columns  []string // none: all
	filter   *message.Filter
	versions int
	times    message.TimeRange
	from, to *string // columns from <= name < to
	namedKey bool    // of the key, only those in columns
}

func newView(p message.Projection) (v view, problem *Error) {
	v = view{columns: p.Columns, versions: 1, from: p.StartColumn, to: p.EndColumn}
	switch {
	case p.MaxVersions == nil && p.Time == nil:
		return v, invalid("No version condition is specified while querying row.")
	case p.MaxVersions != nil && *p.MaxVersions < 1:
		return v, invalid("Invalid max versions: %d.", *p.MaxVersions)
	case len(p.Columns) > maxGetColumns:
		return v, invalid("The number of columns from the request exceeds the limit, limit "+
			"count: %d, column count: %d.", maxGetColumns, len(p.Columns))
	}
	if p.MaxVersions != nil {
		v.versions = int(*p.MaxVersions)
	}
	if p.Time != nil {
		if v.times = *p.Time; v.times.Specific == nil &&
			(v.times.Start == nil || v.times.End == nil) {
			return v, invalid("The time range has no start or no end.")
		}
	}
	v.filter, problem = filterOf(p.Filter, true)
	return v, problem
}

// takes reports whether a version is in the view's time range.
func (v view) takes(at int64) bool {
	switch {
	case v.times.Specific != nil:
		return at == *v.times.Specific
	case v.times.Start != nil:
		return at >= *v.times.Start && at < *v.times.End
	}
	return true
}

func (v view) names(column string) bool {
	return (len(v.columns) == 0 || slices.Contains(v.columns, column)) &&
		(v.from == nil || column >= *v.from) && (v.to == nil || column < *v.to)
}

// show returns the part of a row that a view selects, and the bytes read for it; false if it
// selects nothing. r may be nil.
func (t *table) show(r *row, v view) (out plainbuffer.Row, size int, ok bool) {
	if r == nil {
		return out, 0, false
	}
	seen := &row{key: r.key}
	size = t.keySize(r.key)
	for _, c := range r.columns {
		if !v.names(c.name) {
			continue
		}
		var versions []version
		for _, ver := range c.versions {
			if len(versions) < v.versions && v.takes(ver.at) {
				versions = append(versions, ver)
				size += t.columnSize(c.name, ver)
			}
		}
		if len(versions) > 0 {
			seen.columns = append(seen.columns, column{c.name, versions})
		}
	}
	keyNamed := len(v.columns) == 0 || slices.ContainsFunc(v.columns, t.isKey)
	if len(seen.columns) == 0 && !keyNamed {
		return out, size, false
	}
	if v.filter != nil {
		if v.filter.Kind == message.FilterPagination {
			from := min(int(v.filter.Offset), len(seen.columns))
			seen.columns = seen.columns[from:min(from+int(v.filter.Limit), len(seen.columns))]
		} else if !t.holds(v.filter, seen) {
			return out, size, false
		}
	}
	return t.encode(seen, v), size, true
}

func (t *table) encode(r *row, v view) plainbuffer.Row {
	out := plainbuffer.Row{Key: t.cells(r.key)}
	if v.namedKey && len(v.columns) > 0 {
		out.Key = slices.DeleteFunc(out.Key,
			func(c plainbuffer.Cell) bool { return !slices.Contains(v.columns, c.Name) })
	}
	for _, c := range r.columns {
		for _, ver := range c.versions {
			out.Columns = append(out.Columns, plainbuffer.Cell{
				Name:         c.name,
				Value:        ver.value,
				Timestamp:    ver.at,
				HasTimestamp: true,
			})
		}
	}
	return out
}

func (s *Server) getRow(c *call) ([]byte, *Error) {
	m, err := message.DecodeGetRow(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if m.Transaction != "" {
		return nil, invalid("TransactionID is invalid.")
	}
	if len(m.Token) > 0 {
		return nil, invalid("Invalid token.")
	}
	v, problem := newView(m.Projection)
	if problem != nil {
		return nil, problem
	}
	t, problem := s.table(m.Table)
	if problem != nil {
		return nil, problem
	}
	out, cost, problem := s.readOne(t, m.Key, v)
	if problem != nil {
		return nil, problem
	}
	return message.AppendRow(nil, cost, out), nil
}

// span is a range to read.
type span struct {
	start, end string // sort texts; start is included, end is not
	backward   bool
	limit      int // maximum number of returned rows; 0: unlimited
}

func (s *Server) getRange(c *call) ([]byte, *Error) {
	m, err := message.DecodeGetRange(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	if m.Transaction != "" {
		return nil, invalid("TransactionID is invalid.")
	}
	if len(m.Token) > 0 {
		return nil, invalid("Invalid token.")
	}
	v, problem := newView(m.Projection)
	if problem != nil {
		return nil, problem
	}
	v.namedKey = m.NamedKeysOnly
	t, problem := s.table(m.Table)
	if problem != nil {
		return nil, problem
	}
	r, problem := t.span(m)
	if problem != nil {
		return nil, problem
	}
	rows, size, next := s.page(t, r, v)
	cost := message.Units{Read: unitsOf(size)}
	s.usage.add(t.name, 1, cost)
	var nextKey []byte
	if next != nil {
		nextKey = plainbuffer.Append(nil, plainbuffer.Row{Key: t.cells(next.key)})
	}
	return message.AppendRange(nil, cost, plainbuffer.Append(nil, rows...), nextKey), nil
}

func (t *table) span(m message.GetRange) (r span, problem *Error) {
	start, problem := t.decodeKey(m.Start, ofRange)
	if problem != nil {
		return r, problem
	}
	end, problem := t.decodeKey(m.End, ofRange)
	if problem != nil {
		return r, problem
	}
	r = span{start: start.sort, end: end.sort, backward: m.Direction == message.Backward}
	if m.Limit != nil {
		if r.limit = int(*m.Limit); r.limit < 1 {
			return r, invalid("The limit must be greater than 0.")
		}
	}
	switch {
	case m.Direction != message.Forward && m.Direction != message.Backward:
		return r, invalid("Invalid direction: %d.", m.Direction)
	case !r.backward && r.start >= r.end:
		return r, invalid("Begin key must less than end key in FORWARD")
	case r.backward && r.start <= r.end:
		return r, invalid("Begin key must more than end key in BACKWARD")
	}
	return r, nil
}

// page reads a range up to its end, its limit, or the scan limit of a page; next is the row to
// continue with, or nil.
func (s *Server) page(t *table, r span, v view) (rows []plainbuffer.Row, size int, next *row) {
	now, scanned := s.o.Now(), 0
	visit := func(one *row) bool {
		if r.backward && one.key.sort <= r.end || !r.backward && one.key.sort >= r.end {
			return false
		}
		if scanned >= s.o.PageRows || size >= s.o.PageBytes || r.limit > 0 && len(rows) >= r.limit {
			next = one
			return false
		}
		shown, n, ok := t.show(t.alive(one, now), v)
		scanned++
		size += n
		if ok {
			rows = append(rows, shown)
		}
		return true
	}
	t.read(now, func() {
		if r.backward {
			t.rows.backward(r.start, visit)
		} else {
			t.rows.forward(r.start, visit)
		}
	})
	return rows, size, next
}
