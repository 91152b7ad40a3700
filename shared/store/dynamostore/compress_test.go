package dynamostore_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/emulators"
)

// TestCompressedData: data is read as it was written, plain or deflated, and repetitive data costs
// less.
func TestCompressedData(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	m := &emulators.Meter{Table: dynamostore.Schema("")}
	s := dynamostore.New(dynamostore.Options{
		Client: newClient(endpoint, emulators.Faulty(m.DynamoDB)), Table: newTable(t, endpoint)})
	noise := []byte(noise(300 << 10))
	for _, c := range []struct {
		data []byte
		max  float64
	}{
		{nil, 1}, {[]byte("x"), 1}, {noise[:900], 1}, {noise[:1100], 2}, {noise, 301},
		{[]byte(strings.Repeat(`{"name":"value"}`, 60)), 1},
		{[]byte(strings.Repeat(`{"name":"value"}`, 1000)), 1},
		{bytes.Repeat([]byte{0}, 300<<10), 2},
		{append(bytes.Repeat([]byte("json "), 1000), noise[:5000]...), 6},
	} {
		m.Reset()
		if err := s.Put(t.Context(), []driver.Row{{Key: keyA, Data: c.data}}); err != nil {
			t.Fatal(err)
		}
		if u := m.Used(); u.Writes == 0 || u.Writes > c.max {
			t.Errorf("a write of %d bytes costs %v units", len(c.data), u.Writes)
		}
		got, err := s.Get(t.Context(), keyA)
		if err != nil || !bytes.Equal(got.Data, c.data) {
			t.Errorf("%d of %d bytes come back, %v", len(got.Data), len(c.data), err)
		}
		if err := s.Delete(t.Context(), keyA, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignRows: damaged rows, and rows of another program, are errors.
func TestForeignRows(t *testing.T) {
	for _, attributes := range []string{
		`"z":{"B":"/////w=="}`, `"z":{"S":"x"}`, `"d":{"S":"x"}`, `"n":{"S":"1"}`,
		`"n":{"N":"1.5"}`, `"f":{"N":"1"}`, `"g":{"B":"eA=="}`,
		`"k":{"BOOL":true}`, `"e":{"NULL":true}`, `"g":{"S":"g"},"l":{"L":[]}`,
	} {
		it := `{"p":{"S":"x#1#a"},"s":{"S":"a"},` + attributes + `}`
		respond := func(c emulators.Call) (*http.Response, error) {
			return emulators.Answer(http.StatusOK, `{"Item":`+it+`,"Items":[`+it+`]}`), nil
		}
		s := dynamostore.New(dynamostore.Options{
			Client: newClient("http://127.0.0.1:1", emulators.Faulty(respond)), Table: "t"})
		if got, err := s.Get(t.Context(), keyA); err == nil || errors.Is(err, driver.ErrNotFound) {
			t.Errorf("%s: Get gives %+v, %v", attributes, got, err)
		}
		if got, _, err := s.Range(t.Context(), driver.Range{Partition: "x#1#a"}); err == nil {
			t.Errorf("%s: Range gives %+v", attributes, got)
		}
	}
}

// TestWakeAtExpiry: a row whose wake time is its expiry is left to the time to live.
func TestWakeAtExpiry(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	s := open(t, endpoint, nil)
	r := row(1, "")
	r.Wake, r.Expires = 5000, 5000
	if err := s.Commit(t.Context(), nil, r, absent); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), keyA); err != nil || got.Wake != 5000 || got.Expires != 5000 {
		t.Errorf("%+v, %v", got, err)
	}
	for shard := range s.Shards() {
		if due, _, err := s.Due(t.Context(), shard, 6000, "", 10); err != nil || len(due) != 0 {
			t.Errorf("due: %v, %v", due, err)
		}
	}
}
