package dynamostore

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// DynamoDB bills a write by the KB. Data that deflate makes cheaper to write stands deflated, in an attribute of its
// own; what it does not make cheaper is left as it is.

// writeUnit is how many bytes one write unit pays for.
const writeUnit = 1024

// tokenSize is what the writer token adds to an item, which is not there yet when it is packed.
const tokenSize = 10

// packMax bounds what is deflated and what is inflated: no row holds more.
const packMax = 1 << 20

// speedFrom is the length from which speed is worth more than the last bytes.
const speedFrom = 32 << 10

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

// packItem adds the data of a row to its item, as it is or deflated.
func packItem(it item, data []byte) {
	if len(data) == 0 {
		return
	}
	rest := size(it) + 1 + tokenSize
	if plain := units(rest + len(data)); plain > 1 && len(data) <= packMax {
		if packed := deflate(data); units(rest+len(packed)) < plain {
			it[attrPacked] = blob(packed)
			return
		}
	}
	it[attrData] = blob(data)
}

// units is how many write units an item of so many bytes takes.
func units(bytes int) int { return max(1, (bytes+writeUnit-1)/writeUnit) }

func deflate(data []byte) []byte {
	pool := &deflaters[0]
	if len(data) >= speedFrom {
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

var errPacked = errors.New("dynamostore: the data of a row is damaged")

func inflate(packed []byte) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, 4*len(packed)))
	if _, err := out.ReadFrom(io.LimitReader(r, packMax+1)); err != nil || out.Len() > packMax {
		return nil, errPacked
	}
	return out.Bytes(), nil
}
