package message

// Types of a key column.
const (
	KeyInteger = 1
	KeyString  = 2
	KeyBinary  = 3
)

// OptionAutoIncrement is the option of a key column that the service numbers.
const OptionAutoIncrement = 1

// KeySchema is a column of a primary key.
type KeySchema struct {
	Name   string
	Type   int32
	Option int32 // 0: none
}

// Types of a defined column.
const (
	DefinedInteger = 1
	DefinedDouble  = 2
	DefinedBoolean = 3
	DefinedString  = 4
	DefinedBlob    = 7
)

// DefinedColumn is an attribute column with a declared type. An index may contain it.
type DefinedColumn struct {
	Name string
	Type int32
}

// TableMeta is the schema of a table.
type TableMeta struct {
	Name    string
	Key     []KeySchema
	Defined []DefinedColumn
}

// Options are the options of a table. A nil field was absent.
type Options struct {
	TimeToLive  *int32 // seconds; -1: for ever
	MaxVersions *int32
	Deviation   *int64 // seconds
	AllowUpdate *bool
}

// Index types and update modes.
const (
	IndexGlobal = 0
	IndexLocal  = 1

	UpdateAsync = 0
	UpdateSync  = 1
)

// IndexMeta describes a secondary index.
type IndexMeta struct {
	Name       string
	Key        []string
	Defined    []string
	UpdateMode int32
	Type       int32
}

// Units are capacity units.
type Units struct{ Read, Write int32 }

// CreateTable is the request of that name.
type CreateTable struct {
	Meta     TableMeta
	Reserved Units
	Options  Options
	Indexes  []IndexMeta
	LocalTxn bool
	Encrypt  Encryption
}

// Encryption is whether a table is encrypted at rest, and with which key.
type Encryption struct {
	Enable  bool
	KeyType int32 // 1: of the key management service; 2: the account's own
}

// DecodeCreateTable decodes a CreateTable.
func DecodeCreateTable(b []byte) (m CreateTable, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			nested(r, f, decodeTableMeta, func(v TableMeta) { m.Meta = v })
		case 2:
			nested(r, f, decodeReserved, func(v Units) { m.Reserved = v })
		case 3:
			nested(r, f, decodeOptions, func(v Options) { m.Options = v })
		case 6:
			nested(r, f, decodeEncryption, func(v Encryption) { m.Encrypt = v })
		case 7:
			nested(r, f, decodeIndexMeta, func(v IndexMeta) { m.Indexes = append(m.Indexes, v) })
		case 8:
			r.bool(f, &m.LocalTxn)
		}
	}, 1, 2)
	return m, err
}

func decodeEncryption(b []byte) (m Encryption, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.bool(f, &m.Enable)
		case 2:
			r.int32(f, &m.KeyType)
		}
	}, 1)
	return m, err
}

func decodeTableMeta(b []byte) (m TableMeta, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Name)
		case 2:
			nested(r, f, decodeKeySchema, func(v KeySchema) { m.Key = append(m.Key, v) })
		case 3:
			nested(r, f, decodeDefinedColumn,
				func(v DefinedColumn) { m.Defined = append(m.Defined, v) })
		}
	}, 1)
	return m, err
}

func decodeKeySchema(b []byte) (m KeySchema, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Name)
		case 2:
			r.int32(f, &m.Type)
		case 3:
			r.int32(f, &m.Option)
		}
	}, 1, 2)
	return m, err
}

func decodeDefinedColumn(b []byte) (m DefinedColumn, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Name)
		case 2:
			r.int32(f, &m.Type)
		}
	}, 1, 2)
	return m, err
}

func decodeReserved(b []byte) (m Units, err error) {
	err = decode(b, func(r *reader, f field) {
		if f.number == 1 {
			nested(r, f, decodeUnits, func(v Units) { m = v })
		}
	}, 1)
	return m, err
}

func decodeUnits(b []byte) (m Units, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Read)
		case 2:
			r.int32(f, &m.Write)
		}
	})
	return m, err
}

func decodeOptions(b []byte) (m Options, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.optional32(f, &m.TimeToLive)
		case 2:
			r.optional32(f, &m.MaxVersions)
		case 5:
			r.optional64(f, &m.Deviation)
		case 6:
			var allow bool
			r.bool(f, &allow)
			m.AllowUpdate = &allow
		}
	})
	return m, err
}

func decodeIndexMeta(b []byte) (m IndexMeta, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Name)
		case 2:
			r.strings(f, &m.Key)
		case 3:
			r.strings(f, &m.Defined)
		case 4:
			r.int32(f, &m.UpdateMode)
		case 5:
			r.int32(f, &m.Type)
		}
	}, 1, 4, 5)
	return m, err
}

// DecodeTableName decodes DeleteTable and DescribeTable, which contain a table name only.
func DecodeTableName(b []byte) (table string, err error) {
	err = decode(b, func(r *reader, f field) {
		if f.number == 1 {
			r.string(f, &table)
		}
	}, 1)
	return table, err
}

// UpdateTable is the request of that name.
type UpdateTable struct {
	Table    string
	Reserved *Units
	Options  Options
}

// DecodeUpdateTable decodes an UpdateTable.
func DecodeUpdateTable(b []byte) (m UpdateTable, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			nested(r, f, decodeReserved, func(v Units) { m.Reserved = &v })
		case 3:
			nested(r, f, decodeOptions, func(v Options) { m.Options = v })
		}
	}, 1)
	return m, err
}

// CreateIndex is the request of that name.
type CreateIndex struct {
	Table    string
	Index    IndexMeta
	BaseData bool // include_base_data: rows that exist already get entries, too
}

// DecodeCreateIndex decodes a CreateIndex.
func DecodeCreateIndex(b []byte) (m CreateIndex, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &m.Table)
		case 2:
			nested(r, f, decodeIndexMeta, func(v IndexMeta) { m.Index = v })
		case 3:
			r.bool(f, &m.BaseData)
		}
	}, 1, 2)
	return m, err
}

// DecodeDropIndex decodes a DropIndex.
func DecodeDropIndex(b []byte) (table, index string, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &table)
		case 2:
			r.string(f, &index)
		}
	}, 1, 2)
	return table, index, err
}

// DecodeAddDefinedColumn decodes an AddDefinedColumn.
func DecodeAddDefinedColumn(b []byte) (table string, columns []DefinedColumn, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &table)
		case 2:
			nested(r, f, decodeDefinedColumn,
				func(v DefinedColumn) { columns = append(columns, v) })
		}
	}, 1)
	return table, columns, err
}

// DecodeDeleteDefinedColumn decodes a DeleteDefinedColumn.
func DecodeDeleteDefinedColumn(b []byte) (table string, columns []string, err error) {
	err = decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.string(f, &table)
		case 2:
			r.strings(f, &columns)
		}
	}, 1)
	return table, columns, err
}
