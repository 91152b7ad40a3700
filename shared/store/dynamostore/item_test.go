package dynamostore_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators"
)

// responding returns a store whose every call gets the response of one function.
func responding(respond func(emulators.Call) string) *dynamostore.Store {
	return dynamostore.New(dynamostore.Options{Table: "t", RetryFor: 1,
		Client: newClient("http://127.0.0.1:1",
			emulators.Faulty(func(c emulators.Call) (*http.Response, error) {
				return emulators.Answer(http.StatusOK, respond(c)), nil
			}))})
}

// FuzzItem: whatever DynamoDB returns as an item is decoded or rejected.
func FuzzItem(f *testing.F) {
	f.Add(`{"p":{"S":"x#1#a"},"s":{"S":"a"},"n":{"N":"4"},"f":{"S":"r"},"d":{"B":"AAEC"},` +
		`"w":{"N":"3"},"k":{"N":"5"},"g":{"S":"g"},"l":{"S":"l"},"i":{"B":"AA=="},` +
		`"e":{"N":"6"},"x":{"N":"1"},"t":{"B":"AAAAAAAAAAAA"}}`)
	f.Add(`{"p":{"S":"x#1#a"},"s":{"S":"a"},"z":{"B":"////"},"n":{"S":"4"}}`)
	f.Add(`{"p":{"N":"1"},"s":{"NULL":true},"d":{"L":[{"M":{}}]},"k":{"N":"1e400"}}`)
	f.Add(`{}`)
	f.Add(`null`)
	var item string
	s := responding(func(c emulators.Call) string {
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
		rows, _, rangeErr := s.Range(t.Context(),
			driver.Range{Partition: "x#1#a", From: "a", To: "c"})
		// a row outside the range may be left out
		inRange := got.Partition == "x#1#a" && got.Sort >= "a" && got.Sort < "c"
		if err == nil && rangeErr == nil && inRange &&
			(len(rows) != 1 || !reflect.DeepEqual(rows[0], got)) {
			t.Fatalf("Get says %+v, Range %+v", got, rows)
		}
		s.List(t.Context(), driver.ListRange{Group: "g", Limit: 1})
		s.Due(t.Context(), 0, 10, "", 1)
	})
}

// FuzzRow: a row is rejected, or it is read as it was written.
func FuzzRow(f *testing.F) {
	var put map[string]json.RawMessage
	s := responding(func(c emulators.Call) string {
		if c.Op != "GetItem" {
			if json.Unmarshal(c.Body, &put) != nil {
				panic(string(c.Body))
			}
			return `{}`
		}
		return `{"Item":` + string(put["Item"]) + `}`
	})
	storetest.FuzzRow(f, s, nil)
}
