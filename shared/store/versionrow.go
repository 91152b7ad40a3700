package store

import (
	"math"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Version is a published version of a flow: what the flow did then.
type Version struct {
	Number      int64
	Hash        string // of the definition, hex
	Description string
	Created     int64 // ms since 1970

	// As in Flow.
	Type            string
	RoleArn         string
	ExternalStorage string
	Environment     []flow.Variable
	Author          string
	Dialect         flow.Dialect
	TimeoutSeconds  int64

	token   uint64
	unknown []byte // fields of the row that only a newer program knows
}

// Alias is an alias of a flow.
type Alias struct {
	Name        string
	Description string
	Created     int64 // ms since 1970
	Routes      []Route

	token   uint64
	unknown []byte
}

// detailFmt is the format of the rows of versions and aliases that this code writes. See
// executionFmt for what to do when it changes.
const detailFmt = 1

// Fields of the row of a version or an alias.
const (
	detailDescription = 1
	detailCreated     = 2

	versionNumber          = 3
	versionHash            = 4
	versionType            = 5
	versionRoleArn         = 6
	versionExternalStorage = 7
	versionEnvironment     = 8 // repeated
	versionAuthor          = 9
	versionDialect         = 10
	versionTimeoutSeconds  = 11

	aliasName = 3
)

func versionKey(flowID string, number int64, token uint64) driver.Key {
	return rowKey(definitionPartition(flowID), versionSort(number, token))
}

func aliasKey(flowID, name string, token uint64) driver.Key {
	return rowKey(definitionPartition(flowID), aliasSort(name, token))
}

func (v *Version) encode() []byte {
	w := flow.FieldWriter{Buf: make([]byte, 0, 256)}
	start := w.BeginRow(detailFmt)
	w.String(detailDescription, v.Description)
	w.Uint(detailCreated, uint64(v.Created))
	w.Uint(versionNumber, uint64(v.Number))
	w.String(versionHash, v.Hash)
	w.String(versionType, v.Type)
	w.String(versionRoleArn, v.RoleArn)
	w.String(versionExternalStorage, v.ExternalStorage)
	encodeVariables(&w, versionEnvironment, v.Environment)
	w.String(versionAuthor, v.Author)
	w.Uint(versionDialect, uint64(v.Dialect))
	w.Uint(versionTimeoutSeconds, uint64(v.TimeoutSeconds))
	w.Unknown(v.unknown)
	w.End(start)
	return w.Buf
}

// decodeVersion decodes the row of the version that an entry of the catalog names.
func decodeVersion(row driver.Row, e *VersionEntry) (*Version, error) {
	format, r := flow.ReadRow(row.Data)
	if format != detailFmt {
		return nil, ErrFormat
	}
	v := &Version{token: e.Token}
	for r.Next() {
		switch r.Field {
		case detailDescription:
			v.Description = r.String()
		case detailCreated:
			v.Created = int64(r.Small(math.MaxInt64))
		case versionNumber:
			v.Number = int64(r.Small(math.MaxInt64))
		case versionHash:
			v.Hash = r.String()
		case versionType:
			v.Type = r.String()
		case versionRoleArn:
			v.RoleArn = r.String()
		case versionExternalStorage:
			v.ExternalStorage = r.String()
		case versionEnvironment:
			v.Environment = append(v.Environment, decodeVariable(&r))
		case versionAuthor:
			v.Author = r.String()
		case versionDialect:
			v.Dialect = flow.Dialect(r.Small(math.MaxUint8))
		case versionTimeoutSeconds:
			v.TimeoutSeconds = int64(r.Small(math.MaxInt64))
		default:
			r.Keep(&v.unknown)
		}
	}
	if r.Err != nil || v.Number != e.Number || hashStart(v.Hash) != e.hashStart ||
		versionSort(v.Number, v.token) != row.Sort {
		return nil, damagedRow("version", row.Key, flow.ErrCorrupt)
	}
	return v, nil
}

func (a *Alias) encode() []byte {
	w := flow.FieldWriter{Buf: make([]byte, 0, 64+len(a.Description))}
	start := w.BeginRow(detailFmt)
	w.String(detailDescription, a.Description)
	w.Uint(detailCreated, uint64(a.Created))
	w.String(aliasName, a.Name)
	w.Unknown(a.unknown)
	w.End(start)
	return w.Buf
}

// decodeAlias decodes the row of the alias that an entry of the catalog names.
func decodeAlias(row driver.Row, e *AliasEntry) (*Alias, error) {
	format, r := flow.ReadRow(row.Data)
	if format != detailFmt {
		return nil, ErrFormat
	}
	a := &Alias{Routes: e.Routes, token: e.Token}
	for r.Next() {
		switch r.Field {
		case detailDescription:
			a.Description = r.String()
		case detailCreated:
			a.Created = int64(r.Small(math.MaxInt64))
		case aliasName:
			a.Name = r.String()
		default:
			r.Keep(&a.unknown)
		}
	}
	if r.Err != nil || a.Name != e.Name || aliasSort(a.Name, a.token) != row.Sort {
		return nil, damagedRow("alias", row.Key, flow.ErrCorrupt)
	}
	return a, nil
}
