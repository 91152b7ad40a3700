package dynamostore_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/dynamostore"
	"millrace/tests/emulators"
)

// answering gives a store whose every call gets one answer.
func answering(answer func(emulators.Call) string) *dynamostore.Store {
	return dynamostore.New(dynamostore.Options{Table: "t", RetryFor: 1, Client: newClient("http://127.0.0.1:1", emulators.Faulty(func(c emulators.Call) (*http.Response, error) {
		return emulators.Answer(http.StatusOK, answer(c)), nil
	}))})
}

// FuzzItem: whatever DynamoDB says that an item is, it is a row or it is refused.
func FuzzItem(f *testing.F) {
	f.Add(`{"p":{"S":"x#1#a"},"s":{"S":"a"},"n":{"N":"4"},"f":{"S":"r"},"d":{"B":"AAEC"},"w":{"N":"3"},"k":{"N":"5"},"g":{"S":"g"},"l":{"S":"l"},"i":{"B":"AA=="},"e":{"N":"6"},"x":{"N":"1"},"t":{"B":"AAAAAAAAAAAA"}}`)
	f.Add(`{"p":{"S":"x#1#a"},"s":{"S":"a"},"z":{"B":"////"},"n":{"S":"4"}}`)
	f.Add(`{"p":{"N":"1"},"s":{"NULL":true},"d":{"L":[{"M":{}}]},"k":{"N":"1e400"}}`)
	f.Add(`{}`)
	f.Add(`null`)
	var item string
	s := answering(func(c emulators.Call) string {
		if c.Op == "GetItem" {
			return `{"Item":` + item + `}`
		}
		return `{"Items":[` + item + `],"Count":1}`
	})
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		item = text
		got, err := s.Get(t.Context(), keyA)
		if len(got.Data) > max(1<<20, len(text)) {
			t.Fatalf("%d bytes of an item of %d", len(got.Data), len(text))
		}
		rows, _, rangeErr := s.Range(t.Context(), store.Range{Partition: "x#1#a", From: "a", To: "c"})
		asked := got.Partition == "x#1#a" && got.Sort >= "a" && got.Sort < "c" // what is none of it may be left out
		if err == nil && rangeErr == nil && asked && (len(rows) != 1 || !reflect.DeepEqual(rows[0], got)) {
			t.Fatalf("Get says %+v, Range %+v", got, rows)
		}
		s.List(t.Context(), store.ListRange{Group: "g", Limit: 1})
		s.Due(t.Context(), 0, 10, "", 1)
	})
}

// FuzzRow: a row is refused, or it is read as it was written.
func FuzzRow(f *testing.F) {
	f.Add("x#1#a", "a", "run", []byte("data"), "g", "s", []byte("fields"), int64(1), int64(5), int64(7))
	f.Add("p", "v#1", "", bytes.Repeat([]byte("packs well "), 500), "", "", []byte{}, int64(0), int64(9), int64(9))
	f.Add("\xff", "\x00", "\xff", []byte{}, "\xff", "", []byte{0}, int64(-1), int64(-1), int64(1<<62))
	var put map[string]json.RawMessage
	s := answering(func(c emulators.Call) string {
		if c.Op != "GetItem" {
			if json.Unmarshal(c.Body, &put) != nil {
				panic(string(c.Body))
			}
			return `{}`
		}
		return `{"Item":` + string(put["Item"]) + `}`
	})
	f.Fuzz(func(t *testing.T, partition, sort, fence string, data []byte, group, listSort string, fields []byte, version, wake, expires int64) {
		row := store.Row{Key: store.Key{Partition: partition, Sort: sort}, Version: version, Fence: fence, Data: bytes.Clone(data), Wake: wake, Expires: expires}
		if group != "" {
			row.List = &store.ListEntry{Group: group, Sort: listSort, Fields: bytes.Clone(fields)}
		}
		if s.Commit(t.Context(), nil, row, store.Condition{Absent: true, Now: 1}) != nil {
			return
		}
		got, err := s.Get(t.Context(), row.Key)
		if err != nil {
			t.Fatalf("%+v cannot be read: %v", row, err)
		}
		if got.List != nil {
			got.List.Fields = append([]byte{}, got.List.Fields...)
			row.List.Fields = append([]byte{}, row.List.Fields...)
		}
		if !bytes.Equal(got.Data, row.Data) {
			t.Fatalf("%q is read as %q", row.Data, got.Data)
		}
		if got.Data, row.Data = nil, nil; !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v is read as %+v", row, got)
		}
	})
}
