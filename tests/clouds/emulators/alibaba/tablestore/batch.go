package tablestore

import (
	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// batched is a row of a BatchWriteRow.
type batched struct {
	table   *table
	write   write
	problem *Error
}

func (s *Server) batchWriteRow(c *call) ([]byte, *Error) {
	m, err := message.DecodeBatchWrite(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	rows, problem := s.parseBatch(m)
	if problem != nil {
		return nil, problem
	}
	if c.fault.Rows != nil {
		for i := range rows {
			if rows[i].problem == nil {
				rows[i].problem = c.fault.Rows(i)
			}
		}
	}
	var outcomes []outcome
	if m.Atomic {
		if outcomes, problem = s.writeAtomic(rows); problem != nil {
			return nil, problem
		}
	} else {
		outcomes = s.writeEach(rows)
	}
	return message.AppendBatch(nil, answers(m, outcomes)), nil
}

// parseBatch checks a batch. An error of a single row stays with the row, unless it makes the whole
// request invalid.
func (s *Server) parseBatch(m message.BatchWrite) (rows []batched, problem *Error) {
	if m.Transaction != "" {
		return nil, invalid("TransactionID is invalid.")
	}
	if len(m.Tables) == 0 {
		return nil, invalid("No row is specified in BatchWriteRow.")
	}
	size := 0
	for _, tw := range m.Tables {
		if len(tw.Rows) == 0 {
			return nil, invalid("No operation is specified for table: '%s'.", tw.Table)
		}
		t, missing := s.table(tw.Table)
		for _, w := range tw.Rows {
			size += len(w.Row)
			b := batched{table: t, problem: missing}
			if missing == nil {
				if b.write, b.problem = t.parse(w); b.problem != nil &&
					b.problem.Code == "OTSParameterInvalid" {
					return nil, b.problem
				}
			}
			rows = append(rows, b)
		}
	}
	switch {
	case len(rows) > maxBatchWrites:
		return nil, invalid("Rows count exceeds the upper limit: %d.", maxBatchWrites)
	case size > maxWriteBytes:
		return nil, invalid("The total data size of BatchWriteRow request exceeds the limit, "+
			"limit size: %d, data size: %d.", maxWriteBytes, size)
	}
	return rows, nil
}

func (s *Server) writeEach(rows []batched) []outcome {
	out := make([]outcome, len(rows))
	for i, b := range rows {
		if b.problem != nil {
			out[i].err = b.problem
			continue
		}
		b.table.mu.Lock()
		out[i] = s.write(b.table, b.write)
		b.table.mu.Unlock()
		s.usage.add(b.table.name, 1, out[i].cost)
	}
	return out
}

// writeAtomic writes all rows of one partition, or none.
func (s *Server) writeAtomic(rows []batched) ([]outcome, *Error) {
	t := rows[0].table
	seen := map[string]bool{}
	for _, b := range rows {
		switch {
		case b.problem != nil:
			return nil, b.problem
		case b.table != t || b.write.key.values[0] != rows[0].write.key.values[0]:
			return nil, invalid(
				"All rows of an atomic batch must be of one table and one partition key.")
		case seen[b.write.key.sort]:
			return nil, invalid("A row stands twice in an atomic batch.")
		}
		seen[b.write.key.sort] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range rows {
		there := t.alive(t.rows.get(b.write.key.sort), s.o.Now())
		if _, ok := t.check(b.write, there); !ok {
			s.usage.add(t.name, 1, failedCondition)
			return nil, errConditionCheckFail
		}
		if _, err := t.applied(b.write, there, s.o.Now()); err != nil {
			return nil, err
		}
	}
	out := make([]outcome, len(rows))
	for i, b := range rows {
		out[i] = s.write(t, b.write)
		s.usage.add(t.name, 1, out[i].cost)
	}
	return out, nil
}

// answers groups the outcomes by the tables of the request.
func answers(m message.BatchWrite, outcomes []outcome) (tables []message.BatchTable) {
	at := 0
	for _, tw := range m.Tables {
		t := message.BatchTable{Table: tw.Table}
		for range tw.Rows {
			o := outcomes[at]
			r := message.BatchRow{Consumed: o.cost, Row: o.row}
			if o.err != nil {
				r = message.BatchRow{Code: o.err.Code, Text: o.err.Text}
			}
			t.Rows = append(t.Rows, r)
			at++
		}
		tables = append(tables, t)
	}
	return tables
}

func (s *Server) batchGetRow(c *call) ([]byte, *Error) {
	reads, err := message.DecodeBatchGet(c.body)
	if err != nil {
		return nil, malformed(err)
	}
	count := 0
	for _, tr := range reads {
		if len(tr.Keys) == 0 {
			return nil, invalid("No row specified in the request of BatchGetRow.")
		}
		count += len(tr.Keys)
	}
	switch {
	case count == 0:
		return nil, invalid("No row specified in the request of BatchGetRow.")
	case count > maxBatchReads:
		return nil, invalid("Rows count exceeds the upper limit: %d.", maxBatchReads)
	}
	var tables []message.BatchTable
	for _, tr := range reads {
		t, problem := s.readTable(tr)
		if problem != nil {
			return nil, problem
		}
		tables = append(tables, t)
	}
	return message.AppendBatch(nil, tables), nil
}

func (s *Server) readTable(tr message.TableReads) (out message.BatchTable, problem *Error) {
	out.Table = tr.Table
	for _, token := range tr.Tokens {
		if len(token) > 0 {
			return out, invalid("Invalid token.")
		}
	}
	v, problem := newView(tr.Projection)
	if problem != nil {
		return out, problem
	}
	t, missing := s.table(tr.Table)
	for _, b := range tr.Keys {
		r := message.BatchRow{}
		err := missing
		if err == nil {
			r.Row, r.Consumed, err = s.readOne(t, b, v)
		}
		if err != nil {
			r = message.BatchRow{Code: err.Code, Text: err.Text}
		}
		out.Rows = append(out.Rows, r)
	}
	return out, nil
}

// readOne returns a row as a view shows it; empty if there is none.
func (s *Server) readOne(t *table, keyBytes []byte, v view) ([]byte, message.Units, *Error) {
	k, problem := t.decodeKey(keyBytes, exact)
	if problem != nil {
		return nil, message.Units{}, problem
	}
	var out []byte
	size := 0
	now := s.o.Now()
	t.read(now, func() {
		shown, n, ok := t.show(t.alive(t.rows.get(k.sort), now), v)
		if size = n; ok {
			out = plainbuffer.Append(nil, shown)
		}
	})
	cost := message.Units{Read: unitsOf(size)}
	s.usage.add(t.name, 1, cost)
	return out, cost, nil
}
