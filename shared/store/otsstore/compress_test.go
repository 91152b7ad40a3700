package otsstore_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// TestCompressedData: data is read as it was written, plain or deflated, and repetitive data costs
// less.
func TestCompressedData(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	noise := make([]byte, 300<<10)
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise)
	key := driver.Key{Partition: "x#1#a", Sort: "a"}
	for _, c := range []struct {
		data []byte
		max  int64
	}{
		{nil, 1}, {noise[:4000], 1}, {noise[:5000], 2}, {noise, 76},
		{[]byte(strings.Repeat(`{"name":"value"}`, 1000)), 1},
		{bytes.Repeat([]byte{0}, 1<<20), 1},
		{append(bytes.Repeat([]byte("json "), 4000), noise[:5000]...), 2},
	} {
		server.ResetUsage()
		if err := s.Put(t.Context(), []driver.Row{{Key: key, Data: c.data}}); err != nil {
			t.Fatal(err)
		}
		if writes := server.Usage()[table].Writes; writes == 0 || writes > c.max {
			t.Errorf("a write of %d bytes costs %v units, want at most %v", len(c.data), writes,
				c.max)
		}
		got, err := s.Get(t.Context(), key)
		if err != nil || !bytes.Equal(got.Data, c.data) {
			t.Errorf("%d of %d bytes come back, %v", len(got.Data), len(c.data), err)
		}
	}
}
