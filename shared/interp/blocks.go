package interp

import (
	"cmp"

	"millrace/shared/flow"
)

// resultInline is the length in bytes of the largest result that a body contains in place. It is
// small because a body may contain many results.
const resultInline = 8

// defaultBlockSize is the default of Facts.BlockSize. blockBytesMin is the minimum size of a
// reference to a block's value in a body, in bytes.
const (
	defaultBlockSize = 256
	blockBytesMin    = 5
)

func (f *Facts) blockSize() int { return cmp.Or(f.BlockSize, defaultBlockSize) }

// pack moves each full block of results into a value of its own, so that the size of the body does
// not grow with the number of results.
func (e *entry) pack(block int, f func(v *flow.Value)) {
	full := len(e.results) / block
	if full == 0 {
		return
	}
	if e.blocks == nil {
		e.blocks = make([]*flow.Value, full)
	}
	for i := range e.blocks {
		if e.blocks[i] != nil || !packable(e.results[i*block:(i+1)*block]) {
			continue
		}
		enc := flow.Encoder{Inline: resultInline}
		for _, v := range e.results[i*block : (i+1)*block] {
			enc.Value(v)
		}
		e.blocks[i] = flow.TextValue(enc.Buf)
		f(e.blocks[i])
	}
}

func packable(done []*flow.Value) bool {
	for _, v := range done {
		if v == nil || v.Ref().Kind == flow.RefNone && v.Len() > resultInline {
			return false
		}
	}
	return true
}

// unpack reads the blocks of a decoded state that are not read yet.
func (e *entry) unpack(block int) error {
	for i, b := range e.blocks {
		if b == nil || e.results[i*block] != nil {
			continue
		}
		if !b.Loaded() {
			return needValue(b)
		}
		d := flow.NewDecoder(b.Text())
		for j := i * block; j < (i+1)*block; j++ {
			e.results[j] = d.Value()
		}
		if d.Err != nil {
			return d.Err
		}
	}
	return nil
}

// encodeResults writes the results: full blocks as references to their values, the others one by
// one.
func encodeResults(e *flow.Encoder, n *entry, block int) {
	e.Uint(uint64(len(n.results)))
	inline := e.Inline
	e.Inline = resultInline
	for i := 0; i < len(n.results); {
		if b := i / block; b < len(n.blocks) && i%block == 0 {
			e.Value(n.blocks[b])
			if n.blocks[b] != nil {
				i += block
				continue
			}
		}
		end := min(i+block-i%block, len(n.results))
		for ; i < end; i++ {
			e.Value(n.results[i])
		}
	}
	e.Inline = inline
}

// resultsMax returns the maximum number of results that the remaining bytes of a body can hold. A
// result outside a block takes at least one byte. The bound keeps a damaged row from demanding
// unlimited memory.
func resultsMax(left, block int) uint64 {
	return (uint64(left)/blockBytesMin + 1) * uint64(max(block, blockBytesMin))
}

func decodeResults(d *flow.Decoder, n *entry, block int) {
	count := d.Uint()
	if count == 0 {
		return
	}
	if n.total < 0 || count > uint64(n.total)+1 || count > resultsMax(d.Left(), block) {
		d.Err = flow.ErrCorrupt
		return
	}
	n.results = make([]*flow.Value, count)
	if full := len(n.results) / block; full > 0 {
		n.blocks = make([]*flow.Value, full)
	}
	for i := 0; i < len(n.results) && d.Err == nil; {
		if b := i / block; b < len(n.blocks) && i%block == 0 {
			n.blocks[b] = d.Value()
			if n.blocks[b] != nil {
				i += block
				continue
			}
		}
		end := min(i+block-i%block, len(n.results))
		for ; i < end; i++ {
			n.results[i] = d.Value()
		}
	}
}
