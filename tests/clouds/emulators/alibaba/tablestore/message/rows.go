package message

// What a condition requires of the row's existence.
const (
	Ignore         = 0
	ExpectExist    = 1
	ExpectNotExist = 2
)

// Condition is what must hold for a write.
type Condition struct {
	Existence int32
	Column    []byte // a Filter; nil: none
}

// What a write returns.
const (
	ReturnNone        = 0
	ReturnKey         = 1
	ReturnAfterModify = 2
)

// ReturnContent is what a write returns.
type ReturnContent struct {
	Type    int32
	Columns []string
}

// Operations of a row in a batch.
const (
	OpPut    = 1
	OpUpdate = 2
	OpDelete = 3
)

// Write is PutRow, UpdateRow, DeleteRow, or a row of BatchWriteRow.
type Write struct {
	Table       string // "" in a batch
	Op          int32  // OpPut, OpUpdate or OpDelete
	Row         []byte // plain buffer
	Condition   Condition
	Return      ReturnContent
	Transaction string
}

// DecodeWrite decodes a PutRow, UpdateRow or DeleteRow, according to op.
func DecodeWrite(b []byte, op int32) (m Write, err error) {
	m.Op = op
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			r.bytes(f, &m.Row)
		case 3:
			nested(r, f, decodeCondition, func(v Condition) { m.Condition = v })
		case 4:
			nested(r, f, decodeReturn, func(v ReturnContent) { m.Return = v })
		case 5:
			r.string(f, &m.Transaction)
		}
	}, 1, 2, 3)
	return m, err
}

func decodeCondition(b []byte) (m Condition, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Existence)
		case 2:
			r.bytes(f, &m.Column)
		}
	}, 1)
	return m, err
}

func decodeReturn(b []byte) (m ReturnContent, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Type)
		case 2:
			r.strings(f, &m.Columns)
		}
	})
	return m, err
}

// TableWrites holds the rows of one table in a BatchWriteRow.
type TableWrites struct {
	Table string
	Rows  []Write
}

// BatchWrite is a BatchWriteRow.
type BatchWrite struct {
	Tables      []TableWrites
	Transaction string
	Atomic      bool
}

// DecodeBatchWrite decodes a BatchWriteRow.
func DecodeBatchWrite(b []byte) (m BatchWrite, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			nested(r, f, decodeTableWrites, func(v TableWrites) { m.Tables = append(m.Tables, v) })
		case 2:
			r.string(f, &m.Transaction)
		case 3:
			r.bool(f, &m.Atomic)
		}
	})
	return m, err
}

func decodeTableWrites(b []byte) (m TableWrites, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			nested(r, f, decodeBatchRow, func(v Write) { m.Rows = append(m.Rows, v) })
		}
	}, 1)
	return m, err
}

func decodeBatchRow(b []byte) (m Write, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Op)
		case 2:
			r.bytes(f, &m.Row)
		case 3:
			nested(r, f, decodeCondition, func(v Condition) { m.Condition = v })
		case 4:
			nested(r, f, decodeReturn, func(v ReturnContent) { m.Return = v })
		}
	}, 1, 2, 3)
	return m, err
}

// TimeRange selects versions. A nil field was absent.
type TimeRange struct{ Start, End, Specific *int64 }

// Projection is what a read returns of its rows.
type Projection struct {
	Columns     []string // none: all
	Time        *TimeRange
	MaxVersions *int32
	Filter      []byte // a Filter; nil: none
	StartColumn *string
	EndColumn   *string
}

// GetRow is the request of that name.
type GetRow struct {
	Table       string
	Key         []byte // plain buffer
	Projection  Projection
	Token       []byte
	Transaction string
}

// DecodeGetRow decodes a GetRow.
func DecodeGetRow(b []byte) (m GetRow, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			r.bytes(f, &m.Key)
		case 3:
			r.strings(f, &m.Projection.Columns)
		case 4:
			nested(r, f, decodeTimeRange, func(v TimeRange) { m.Projection.Time = &v })
		case 5:
			r.optional32(f, &m.Projection.MaxVersions)
		case 7:
			r.bytes(f, &m.Projection.Filter)
		case 8:
			r.optionalString(f, &m.Projection.StartColumn)
		case 9:
			r.optionalString(f, &m.Projection.EndColumn)
		case 10:
			r.bytes(f, &m.Token)
		case 11:
			r.string(f, &m.Transaction)
		}
	}, 1, 2)
	return m, err
}

func decodeTimeRange(b []byte) (m TimeRange, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.optional64(f, &m.Start)
		case 2:
			r.optional64(f, &m.End)
		case 3:
			r.optional64(f, &m.Specific)
		}
	})
	return m, err
}

// TableReads holds the rows of one table in a BatchGetRow.
type TableReads struct {
	Table      string
	Keys       [][]byte // plain buffers
	Tokens     [][]byte
	Projection Projection
}

// DecodeBatchGet decodes a BatchGetRow.
func DecodeBatchGet(b []byte) (tables []TableReads, err error) {
	err = decode(b, func(r *reader, f field) {
		if f.number == 1 {
			nested(r, f, decodeTableReads, func(v TableReads) { tables = append(tables, v) })
		}
	})
	return tables, err
}

func decodeTableReads(b []byte) (m TableReads, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			if r.want(f, wireBytes) {
				m.Keys = append(m.Keys, f.data)
			}
		case 3:
			if r.want(f, wireBytes) {
				m.Tokens = append(m.Tokens, f.data)
			}
		case 4:
			r.strings(f, &m.Projection.Columns)
		case 5:
			nested(r, f, decodeTimeRange, func(v TimeRange) { m.Projection.Time = &v })
		case 6:
			r.optional32(f, &m.Projection.MaxVersions)
		case 8:
			r.bytes(f, &m.Projection.Filter)
		case 9:
			r.optionalString(f, &m.Projection.StartColumn)
		case 10:
			r.optionalString(f, &m.Projection.EndColumn)
		}
	}, 1)
	return m, err
}

// Directions of a range.
const (
	Forward  = 0
	Backward = 1
)

// GetRange is the request of that name.
type GetRange struct {
	Table       string
	Direction   int32
	Projection  Projection
	Limit       *int32
	Start, End  []byte // plain buffers; Start is included, End is not
	Token       []byte
	Transaction string
	// NamedKeysOnly reports whether, of the key, only the columns in Projection are returned.
	NamedKeysOnly bool
}

// DecodeGetRange decodes a GetRange.
func DecodeGetRange(b []byte) (m GetRange, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			r.int32(f, &m.Direction)
		case 3:
			r.strings(f, &m.Projection.Columns)
		case 4:
			nested(r, f, decodeTimeRange, func(v TimeRange) { m.Projection.Time = &v })
		case 5:
			r.optional32(f, &m.Projection.MaxVersions)
		case 6:
			r.optional32(f, &m.Limit)
		case 7:
			r.bytes(f, &m.Start)
		case 8:
			r.bytes(f, &m.End)
		case 10:
			r.bytes(f, &m.Projection.Filter)
		case 11:
			r.optionalString(f, &m.Projection.StartColumn)
		case 12:
			r.optionalString(f, &m.Projection.EndColumn)
		case 13:
			r.bytes(f, &m.Token)
		case 14:
			r.string(f, &m.Transaction)
		case 16:
			var entire bool
			r.bool(f, &entire)
			m.NamedKeysOnly = !entire
		}
	}, 1, 2, 7, 8)
	return m, err
}
