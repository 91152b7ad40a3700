package message

// AppendError appends the response of a failed request.
func AppendError(b []byte, code, text string) []byte {
	return appendBytes(appendBytes(b, 1, code), 2, text)
}

// appendConsumed appends capacity units. It writes both numbers even if they are zero, because the
// Go SDK reads them without a check.
func appendConsumed(b []byte, number int, u Units) []byte {
	return appendBytes(b, number, appendUnits(nil, u))
}

// appendUnits appends field 1, capacity_unit.
func appendUnits(b []byte, u Units) []byte {
	return appendBytes(b, 1, appendInt(appendInt(nil, 1, int64(u.Read)), 2, int64(u.Write)))
}

// AppendListTable appends the response of ListTable.
func AppendListTable(b []byte, names []string) []byte {
	for _, n := range names {
		b = appendBytes(b, 1, n)
	}
	return b
}

// Description is the response of DescribeTable. All its Options must be set.
type Description struct {
	Meta     TableMeta
	Reserved Units
	Raised   int64 // when the reserved units were last set, seconds since 1970
	Options  Options
	Status   int32
	Indexes  []IndexMeta
	Encrypt  Encryption
}

// States of a table.
const (
	StatusActive  = 1
	StatusLoading = 3
)

// AppendDescription appends the response of DescribeTable.
func AppendDescription(b []byte, d Description) []byte {
	b = appendBytes(b, 1, appendTableMeta(nil, d.Meta))
	b = appendReserved(b, 2, d.Reserved, d.Raised)
	b = appendBytes(b, 3, appendOptions(nil, d.Options))
	b = appendInt(b, 4, int64(d.Status))
	b = appendNoStream(b, 5)
	if d.Encrypt.Enable {
		b = appendBytes(b, 7, appendInt(appendBool(nil, 1, true), 2, int64(d.Encrypt.KeyType)))
	}
	for _, i := range d.Indexes {
		b = appendBytes(b, 8, appendIndexMeta(nil, i))
	}
	return b
}

// AppendUpdated appends the response of UpdateTable.
func AppendUpdated(b []byte, d Description) []byte {
	b = appendReserved(b, 1, d.Reserved, d.Raised)
	b = appendBytes(b, 2, appendOptions(nil, d.Options))
	return appendNoStream(b, 3)
}

// appendNoStream appends that the table has no stream; the Go SDK requires the field.
func appendNoStream(b []byte, number int) []byte {
	return appendBytes(b, number, appendBool(nil, 1, false))
}

func appendTableMeta(b []byte, m TableMeta) []byte {
	b = appendBytes(b, 1, m.Name)
	for _, k := range m.Key {
		key := appendInt(appendBytes(nil, 1, k.Name), 2, int64(k.Type))
		if k.Option != 0 {
			key = appendInt(key, 3, int64(k.Option))
		}
		b = appendBytes(b, 2, key)
	}
	for _, c := range m.Defined {
		b = appendBytes(b, 3, appendInt(appendBytes(nil, 1, c.Name), 2, int64(c.Type)))
	}
	return b
}

func appendReserved(b []byte, number int, u Units, raised int64) []byte {
	details := appendUnits(nil, u)
	return appendBytes(b, number, appendInt(details, 2, raised))
}

func appendOptions(b []byte, o Options) []byte {
	b = appendInt(b, 1, int64(*o.TimeToLive))
	b = appendInt(b, 2, int64(*o.MaxVersions))
	b = appendInt(b, 5, *o.Deviation)
	return appendBool(b, 6, *o.AllowUpdate)
}

func appendIndexMeta(b []byte, m IndexMeta) []byte {
	b = appendBytes(b, 1, m.Name)
	for _, k := range m.Key {
		b = appendBytes(b, 2, k)
	}
	for _, c := range m.Defined {
		b = appendBytes(b, 3, c)
	}
	b = appendInt(b, 4, int64(m.UpdateMode))
	return appendInt(b, 5, int64(m.Type))
}

// AppendRow appends the response of GetRow. The row is always present, and empty if there is none.
func AppendRow(b []byte, u Units, row []byte) []byte {
	return appendBytes(appendConsumed(b, 1, u), 2, row)
}

// AppendWritten appends the response of PutRow, UpdateRow and DeleteRow; row only if it is not
// empty.
func AppendWritten(b []byte, u Units, row []byte) []byte {
	b = appendConsumed(b, 1, u)
	if len(row) > 0 {
		b = appendBytes(b, 2, row)
	}
	return b
}

// AppendRange appends the response of GetRange. next is empty at the end of the range.
func AppendRange(b []byte, u Units, rows, next []byte) []byte {
	b = appendBytes(appendConsumed(b, 1, u), 2, rows)
	if len(next) > 0 {
		b = appendBytes(b, 3, next)
	}
	return appendInt(b, 5, 0) // plain buffer
}

// BatchRow is the response for one row of a batch.
type BatchRow struct {
	Code, Text string // Code is "" for success
	Consumed   Units
	Row        []byte
}

// BatchTable holds the responses for the rows of one table, in the order of the request.
type BatchTable struct {
	Table string
	Rows  []BatchRow
}

// AppendBatch appends the response of BatchGetRow and BatchWriteRow.
func AppendBatch(b []byte, tables []BatchTable) []byte {
	for _, t := range tables {
		table := appendBytes(nil, 1, t.Table)
		for _, r := range t.Rows {
			table = appendBytes(table, 2, appendBatchRow(nil, r))
		}
		b = appendBytes(b, 1, table)
	}
	return b
}

func appendBatchRow(b []byte, r BatchRow) []byte {
	b = appendBool(b, 1, r.Code == "")
	if r.Code != "" {
		return appendBytes(b, 2, AppendError(nil, r.Code, r.Text))
	}
	b = appendConsumed(b, 3, r.Consumed)
	if len(r.Row) > 0 {
		b = appendBytes(b, 4, r.Row)
	}
	return b
}
