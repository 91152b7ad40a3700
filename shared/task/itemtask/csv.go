package itemtask

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// table reads a CSV file: an object a row, with the texts of its columns by their headers. A row that
// is too short has empty texts; columns beyond the headers are left out; empty lines are skipped.
type table struct {
	from    *input
	begin   Cursor // where rows begins to count
	at      Cursor
	rows    *csv.Reader
	bound   *bound
	headers []string
}

// headersBytesMax is the maximum length of all headers, in bytes: cursors contain them.
const headersBytesMax = 10 << 10

// checkHeaders returns an error for headers that cannot name members.
func checkHeaders(headers []string) error {
	seen, size := map[string]bool{}, 0
	for i, h := range headers {
		switch {
		case h == "":
			return fmt.Errorf("header %d is empty", i+1)
		case seen[h]:
			return fmt.Errorf("the header %s occurs twice", value.Quote(h))
		}
		seen[h] = true
		size += len(h)
	}
	switch {
	case len(headers) == 0:
		return errors.New("there are no headers")
	case size > headersBytesMax:
		return fmt.Errorf("the headers are longer than %d bytes", headersBytesMax)
	}
	return nil
}

// openTable returns the rows of a CSV file.
func openTable(in *input, q *request) (*table, error) {
	t := newTable(in, q.delimiter, q.rawMax())
	switch {
	case q.Source.CSVHeaderLocation == "GIVEN":
		t.headers = q.Source.CSVHeaders
	case in.at.Headers != nil:
		t.headers = in.at.Headers
	default:
		row, err := t.row()
		if err == io.EOF {
			return nil, in.errorf(1, "the file has no row with headers")
		} else if err != nil {
			return nil, err
		}
		if err := checkHeaders(row); err != nil {
			return nil, in.errorf(t.at.Line, "%s; name them in CSVHeaders (CSVHeaderLocation: GIVEN) "+
				"if the first row has none", err)
		}
		t.headers, t.at.Headers = row, row
	}
	return t, nil
}

// newTable returns the rows of a CSV file without headers.
func newTable(in *input, delimiter rune, rowMax int) *table {
	t := &table{from: in, begin: in.at, at: in.at, bound: &bound{r: in.r, max: rowMax}}
	t.rows = csv.NewReader(t.bound)
	t.rows.Comma, t.rows.FieldsPerRecord = delimiter, -1
	return t
}

func (t *table) cursor() Cursor { return t.at }

func (t *table) next() (any, error) {
	row, err := t.row()
	if err != nil {
		return nil, err
	}
	item := make(map[string]any, len(t.headers))
	for i, h := range t.headers {
		item[h] = ""
		if i < len(row) {
			item[h] = row[i]
		}
	}
	return item, nil
}

// row returns the next row.
func (t *table) row() ([]string, error) {
	t.bound.left = t.bound.max + csvBuffer
	row, err := t.rows.Read()
	switch {
	case err == io.EOF:
		return nil, err
	case err != nil:
		return nil, t.failure(err)
	}
	line, _ := t.rows.FieldPos(0)
	last := int64(line)
	for _, field := range row {
		if !utf8.ValidString(field) {
			return nil, t.from.errorf(t.begin.Line+int64(line), "the row is not UTF-8")
		}
		last += int64(strings.Count(field, "\n"))
	}
	t.at.Line = t.begin.Line + last
	t.at.Offset = t.begin.Offset + t.rows.InputOffset()
	return row, nil
}

func (t *table) failure(err error) error {
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		return t.from.errorf(t.begin.Line+int64(bad.StartLine), "%s (column %d)", bad.Err, bad.Column)
	case errors.Is(err, errLongRow):
		return t.from.errorf(t.at.Line+1, "the row is longer than %d bytes; is a quote not closed?",
			t.bound.max)
	}
	t.from.at = t.at
	return t.from.failure(err)
}

// csvBuffer is how much more than a row encoding/csv may have read: its buffer.
const csvBuffer = 4096

// bound ends a row that is too long.
type bound struct {
	r         io.Reader
	max, left int
}

var errLongRow = errors.New("the row is too long")

func (b *bound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
