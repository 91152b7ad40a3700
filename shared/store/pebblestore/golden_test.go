package pebblestore_test

import (
	"encoding/hex"
	"reflect"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

// TestRowGolden: the encoding of rows has not changed. If a line here must change, older programs
// cannot read the new rows: raise rowFormat, keep reading the earlier format, and add lines
// instead.
func TestRowGolden(t *testing.T) {
	key := driver.Key{Partition: "x#1#a", Sort: "a"}
	for want, row := range map[string]driver.Row{
		"010000000000":           {Key: key, Data: []byte{}},
		"010000000e0076616c7565": {Key: key, Expires: 7, Data: []byte("value")},
		"0100020a0003312e3064617461": {Key: key, Version: 1, Wake: 5, Fence: "1.0",
			Data: []byte("data")},
		"010180020180f8ebb8c431036126310367233004302378300201020001": {Key: key, Version: 128,
			Wake: -1, Expires: 851_000_000_000, Fence: "a&1",
			Data: []byte{0, 1},
			List: &driver.ListEntry{Group: "g#0", Sort: "0#x0", Fields: []byte{1, 2}}},
	} {
		if got := hex.EncodeToString(pebblestore.EncodeRow(row)); got != want {
			t.Errorf("%+v is written as\n%s, was\n%s", row, got, want)
		}
		b, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pebblestore.DecodeRow(key, b); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%s is read as %+v, %v, want %+v", want, got, err, row)
		}
	}
}
