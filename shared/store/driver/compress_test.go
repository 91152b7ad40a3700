package driver_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"millrace/shared/store/driver"
)

func TestCompress(t *testing.T) {
	noise := make([]byte, 5000)
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise)
	text := []byte(strings.Repeat(`{"name":"value"}`, 400))
	for _, c := range []struct {
		name           string
		data           []byte
		overhead, unit int
		compressed     bool
	}{
		{"nothing", nil, 10, 1024, false}, {"one unit", text[:500], 10, 1024, false},
		{"noise", noise, 10, 1024, false},
		{"text", text, 10, 1024, true}, {"text of two larger units", text, 10, 4096, true},
		{"text of one larger unit", text[:4000], 10, 4096, false},
		{"the rest fills it", text[:4000], 96, 4096, false},
		{"the rest makes it two", text[:4000], 97, 4096, true},
		{"too much", make([]byte, 1<<20+1), 0, 1024, false},
	} {
		compressed := driver.Compress(c.data, c.overhead, c.unit)
		if (compressed != nil) != c.compressed {
			t.Errorf("%s: %d bytes become %d", c.name, len(c.data), len(compressed))
		}
		if compressed == nil {
			continue
		}
		if got, err := driver.Decompress(compressed); err != nil || !bytes.Equal(got, c.data) {
			t.Errorf("%s: %d of %d bytes come back, %v", c.name, len(got), len(c.data), err)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	f.Add(driver.Compress(bytes.Repeat([]byte("seed "), 1000), 0, 1024))
	f.Add(driver.Compress(make([]byte, 1<<20), 0, 1024))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, compressed []byte) {
		if data, err := driver.Decompress(compressed); err == nil && len(data) > 1<<20 {
			t.Errorf("%d bytes", len(data))
		}
	})
}
