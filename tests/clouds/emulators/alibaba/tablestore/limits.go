package tablestore

import "millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"

// Limits of the service.
const (
	maxBody        = 5 << 20 // of a request
	maxWriteBytes  = 4 << 20 // of rows in a request
	maxTables      = 64
	maxNameBytes   = 255
	maxKeyColumns  = 4
	maxKeyBytes    = 1 << 10 // of a value in a key
	maxValueBytes  = 2 << 20
	maxColumns     = 1024 // of a row in a request
	maxDefined     = 32
	maxIndexes     = 5
	maxGetColumns  = 128
	maxLeaves      = 10 // conditions of a filter
	maxBatchWrites = 200
	maxBatchReads  = 100
	maxPageRows    = 5000
	maxPageBytes   = 4 << 20
	minTimeToLive  = 86_400 // s
)

// validName reports whether TableStore accepts the name of a table, an index or a column.
func validName(name string) bool {
	for i, c := range []byte(name) {
		switch {
		case c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxNameBytes
}

// validColumn reports whether TableStore accepts the name of an attribute column. Its characters
// are not restricted.
func validColumn(name string) bool { return name != "" && len(name) <= maxNameBytes }

func checkValue(name string, v plainbuffer.Value) *Error {
	switch v.Kind {
	case plainbuffer.InfMin, plainbuffer.InfMax, plainbuffer.AutoIncrement:
		return invalid("%s is an invalid type for the attribute column.", v.Kind)
	}
	if n := len(v.Text); n > maxValueBytes {
		return invalid("The length of attribute column: '%s' exceeds the MaxLength: %d with "+
			"CurrentLength: %d.", name, maxValueBytes, n)
	}
	return checkText(name, v)
}
