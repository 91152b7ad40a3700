package otsstore_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/otsstore"
	"millrace/tests/emulators/tablestore"
)

// TestCompressedData: data is read as it was written, plain or deflated, and repetitive data costs
// less.
func TestCompressedData(t *testing.T) {
	m := &otsstore.Meter{}
	s := open(t, tablestore.New(tablestore.Options{}), otsstore.Options{Meter: m})
	noise := make([]byte, 300<<10)
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise)
	key := store.Key{Partition: "x#1#a", Sort: "a"}
	for _, c := range []struct {
		data []byte
		max  float64
	}{
		{nil, 1}, {noise[:4000], 1}, {noise[:5000], 2}, {noise, 76},
		{[]byte(strings.Repeat(`{"name":"value"}`, 1000)), 1},
		{bytes.Repeat([]byte{0}, 1<<20), 1},
		{append(bytes.Repeat([]byte("json "), 4000), noise[:5000]...), 2},
	} {
		m.Reset()
		if err := s.Put(t.Context(), []store.Row{{Key: key, Data: c.data}}); err != nil {
			t.Fatal(err)
		}
		var writes float64
		for _, u := range m.ByOperation() {
			writes += u.Writes
		}
		if writes > c.max {
			t.Errorf("a write of %d bytes costs %v units, want at most %v", len(c.data), writes,
				c.max)
		}
		got, err := s.Get(t.Context(), key)
		if err != nil || !bytes.Equal(got.Data, c.data) {
			t.Errorf("%d of %d bytes come back, %v", len(got.Data), len(c.data), err)
		}
	}
}
