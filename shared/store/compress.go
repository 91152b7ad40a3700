package store

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	"millrace/shared/flow"
)

// Stores of clouds bill a write by the size of its row, in units. Data that deflate makes cheaper to write stands there
// deflated, apart from plain data; what it does not make cheaper is left as it is.

// compressibleMax bounds what is deflated and what is inflated.
const compressibleMax = 1 << 20

// bestSpeedMin is the length from which speed is worth more than the last bytes.
const bestSpeedMin = 32 << 10

var deflaters = [2]sync.Pool{
	{New: func() any { return newDeflater(flate.DefaultCompression) }},
	{New: func() any { return newDeflater(flate.BestSpeed) }},
}

func newDeflater(level int) *flate.Writer {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // the level is one of the package's own
	}
	return w
}

// Units is how many units a write of so many bytes takes when one is for so many; at least one.
func Units(bytes, unit int) int { return max(1, (bytes+unit-1)/unit) }

// Compress deflates the data of a row if fewer units pay for the row then: rest is how many bytes the row has besides, unit
// how many a unit is for. It answers nil where the data is better left as it is.
func Compress(data []byte, overhead, unit int) []byte {
	plain := Units(overhead+len(data), unit)
	if plain == 1 || len(data) > compressibleMax {
		return nil
	}
	if packed := deflate(data); Units(overhead+len(packed), unit) < plain {
		return packed
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
	w.Write(data) // into memory: no error
	w.Close()
	return out.Bytes()
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

var errCompressed = fmt.Errorf("store: the deflated data of a row: %w", flow.ErrCorrupt)

// Decompress gives the data that Pack has deflated.
func Decompress(compressed []byte) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(compressed), nil); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, 4*len(compressed)))
	if _, err := out.ReadFrom(io.LimitReader(r, compressibleMax+1)); err != nil || out.Len() > compressibleMax {
		return nil, errCompressed
	}
	return out.Bytes(), nil
}
