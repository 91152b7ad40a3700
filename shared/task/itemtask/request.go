package itemtask

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"millrace/shared/object"
	"millrace/shared/value"
)

// Input types: what an object holds. A listing has no name of its own: it is what is read without a
// Key.
const (
	jsonArray = "JSON"
	jsonLines = "JSONL"
	csvFile   = "CSV"
	manifest  = "MANIFEST"
	listing   = ""
)

// request are the parameters of a call.
type request struct {
	Source Source
	Cursor Cursor // of the block before; empty: the first block
	// A block has at most so many items, and its items at most so many bytes as JSON; an item that
	// is longer makes a block of its own. An item above ItemBytesMax fails the call.
	ItemsMax     int
	BytesMax     int
	ItemBytesMax int

	InputType string `json:"-"` // of Source
	delimiter rune
}

// Source says what to read, as a Map has evaluated it (docs/statemachine.md#itemreader).
type Source struct {
	Bucket, Key, Prefix, Region string
	InputType                   string
	CSVHeaderLocation           string
	CSVHeaders                  []string
	CSVDelimiter                string
}

// Cursor is where a block begins. Its members are part of the row format.
type Cursor struct {
	ETag    string   // of the object that is read
	Offset  int64    // bytes of it that are read
	Line    int64    // lines of it that are read
	Headers []string // of a CSV file whose first row has them
	After   string   // of a listing: the last key
	// Of an inventory: ETag of the manifest, and index of the file that is read.
	Manifest string
	File     int
}

// tree returns the cursor as a JSON value, without what is empty.
func (c *Cursor) tree() map[string]any {
	t := map[string]any{}
	for name, v := range map[string]string{
		"ETag": c.ETag, "After": c.After, "Manifest": c.Manifest,
	} {
		if v != "" {
			t[name] = v
		}
	}
	for name, v := range map[string]int64{
		"Offset": c.Offset, "Line": c.Line, "File": int64(c.File),
	} {
		if v != 0 {
			t[name] = value.FromInt(v)
		}
	}
	if c.Headers != nil {
		headers := make([]any, len(c.Headers))
		for i, h := range c.Headers {
			headers[i] = h
		}
		t["Headers"] = headers
	}
	return t
}

// delimiters are the values of CSVDelimiter.
var delimiters = map[string]rune{
	"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t',
}

func parse(parameters json.RawMessage) (*request, error) {
	q := &request{}
	if err := value.Unmarshal(parameters, q); err != nil {
		return nil, fmt.Errorf("the members of ItemReader have wrong types: %w", err)
	}
	s := &q.Source
	if s.Bucket == "" {
		return nil, errors.New("Parameters.Bucket is required, a text")
	}
	if len(s.Key) > object.KeyMax {
		return nil, fmt.Errorf("Parameters.Key has at most %d bytes", object.KeyMax)
	}
	if q.InputType = s.InputType; s.Key == "" {
		if s.InputType != "" {
			return nil, errors.New("Parameters.Key is required with an InputType, a text")
		}
		return q, nil
	}
	if !slices.Contains([]string{jsonArray, jsonLines, csvFile, manifest}, q.InputType) {
		return nil, errors.New("ReaderConfig.InputType must be CSV, JSON, JSONL or MANIFEST")
	}
	var ok bool
	if q.delimiter, ok = delimiters[s.CSVDelimiter]; !ok {
		return nil, errors.New(
			"ReaderConfig.CSVDelimiter must be COMMA, PIPE, SEMICOLON, SPACE or TAB")
	}
	if q.InputType == csvFile && s.CSVHeaderLocation == "GIVEN" {
		if err := checkHeaders(s.CSVHeaders); err != nil {
			return nil, fmt.Errorf("ReaderConfig.CSVHeaders: %w", err)
		}
	}
	return q, nil
}

// object returns the name of the object that is read, or of the bucket.
func (q *request) object() object.Name {
	return object.Name{Bucket: q.Source.Bucket, Key: q.Source.Key, Region: q.Source.Region}
}

// rawMax bounds the text of an item, in bytes: blanks and quotes that do not count in the item can
// make it longer than ItemBytesMax, but nothing longer is read into memory.
func (q *request) rawMax() int { return 4*q.ItemBytesMax + 1<<10 }
