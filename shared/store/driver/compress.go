package driver

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	"millrace/shared/flow"
)

// Cloud stores bill a write by the size of its row, in units. If deflate saves a unit, the row
// holds its data deflated, in another attribute than plain data; otherwise the data stays plain.

// compressibleMax is the largest data that is deflated or inflated, in bytes.
const compressibleMax = 1 << 20

// bestSpeedMin is the length from which data is deflated for speed rather than size, in bytes.
const bestSpeedMin = 32 << 10

var deflaters = [2]sync.Pool{
	{New: func() any { return newDeflater(flate.DefaultCompression) }},
	{New: func() any { return newDeflater(flate.BestSpeed) }},
}

func newDeflater(level int) *flate.Writer {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // levels are constants of this package
	}
	return w
}

// units returns how many units of unit bytes a write of that many bytes takes; at least one.
func units(bytes, unit int) int { return max(1, (bytes+unit-1)/unit) }

// Compress returns the data of a row deflated if the row then takes fewer units, and nil otherwise.
// overhead is the size of the rest of the row, unit that of a unit, in bytes.
func Compress(data []byte, overhead, unit int) []byte {
	plain := units(overhead+len(data), unit)
	if plain == 1 || len(data) > compressibleMax {
		return nil
	}
	if compressed := deflate(data); units(overhead+len(compressed), unit) < plain {
		return compressed
	}
	return nil
}

func deflate(data []byte) []byte {
	pool := &deflaters[0]
	if len(data) >= bestSpeedMin {
		pool = &deflaters[1]
	}
	w := pool.Get().(*flate.Writer)
	defer pool.Put(w)
	out := bytes.NewBuffer(make([]byte, 0, len(data)/2+64))
	w.Reset(out)
	w.Write(data) // writes to memory do not fail
	w.Close()
	return out.Bytes()
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

var errCompressed = fmt.Errorf("store: the deflated data of a row: %w", flow.ErrCorrupt)

// Decompress returns the data that Compress has deflated.
func Decompress(compressed []byte) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(compressed), nil); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, 4*len(compressed)))
	if _, err := out.ReadFrom(io.LimitReader(r, compressibleMax+1)); err != nil ||
		out.Len() > compressibleMax {
		return nil, errCompressed
	}
	return out.Bytes(), nil
}
