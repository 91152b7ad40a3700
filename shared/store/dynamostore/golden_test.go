package dynamostore_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"millrace/shared/store/driver"
	"millrace/tests/clouds/emulators"
)

// TestItemGolden: the encoding of items has not changed. If a line here must change, older programs
// cannot read the new items.
func TestItemGolden(t *testing.T) {
	long := bytes.Repeat([]byte("packs well "), 200)
	for want, row := range map[string]driver.Row{
		`{"d":{"B":"AAEC"},"p":{"S":"x#1#a"},"s":{"S":"v#1"}}`: {
			Key: driver.Key{Partition: "x#1#a", Sort: "v#1"}, Data: []byte{0, 1, 2}},
		`{"d":{"B":"AQ=="},"e":{"N":"9000"},"f":{"S":"7.0"},"g":{"S":"1#0"},"i":{"B":"Ag=="},` +
			`"k":{"N":"5"},"l":{"S":"5#a"},"n":{"N":"4"},"p":{"S":"x#1#a"},"s":{"S":"a"},` +
			`"w":{"N":"7"},"x":{"N":"9"}}`: {
			Key: keyA, Version: 4, Fence: "7.0", Data: []byte{1}, Wake: 5, Expires: 9000,
			List: &driver.ListEntry{Group: "1#0", Sort: "5#a", Fields: []byte{2}}},
		`{"e":{"N":"9001"},"k":{"N":"9001"},"p":{"S":"x#1#a"},"s":{"S":"v#2"},` +
			`"x":{"N":"10"},"z":{"B":"deflated"}}`: {
			Key:  driver.Key{Partition: "x#1#a", Sort: "v#2"},
			Data: long, Wake: 9001, Expires: 9001},
	} {
		var put struct{ Item map[string]map[string]string }
		var item string
		s := responding(func(c emulators.Call) string {
			if c.Op == "GetItem" {
				return `{"Item":` + item + `}`
			}
			if err := json.Unmarshal(c.Body, &put); err != nil {
				t.Error(err)
			}
			return `{}`
		})
		if err := s.Commit(
			t.Context(), nil, row, driver.Condition{Absent: true, Now: 1},
		); err != nil {
			t.Fatal(err)
		}
		delete(put.Item, "t") // the writer token, new each time
		if put.Item["z"] != nil {
			put.Item["z"]["B"] = "deflated" // the bytes depend on the compressor
		}
		if got, err := json.Marshal(put.Item); err != nil || string(got) != want {
			t.Errorf("%+v is written as\n%s, was\n%s", row.Key, got, want)
		}
		item = strings.Replace(want, "deflated", compressedLong, 1)
		if got, err := s.Get(t.Context(), row.Key); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%s is read as %+v, %v", want, got, err)
		}
	}
}

// compressedLong is what one version of the compressor made of the text that compresses well.
const compressedLong = "KkhMzi5WKE/NyVEYZY4yR5mjzFHmKHOUOcocUCYgAAD//w=="
