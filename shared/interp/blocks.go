package interp

import (
	"cmp"

	"millrace/shared/flow"
)

// resultInline is the largest result of a finished scope that a body writes in place, of which there may be many.
const resultInline = 8

// defaultBlockSize is Facts.Block where that is 0. blockBytesMin is the least that the place of a block's
// value takes in a body.
const (
	defaultBlockSize = 256
	blockBytesMin    = 5
)

func (f *Facts) blockSize() int { return cmp.Or(f.BlockSize, defaultBlockSize) }

// pack makes a value of each full block of finished scopes, so that the body does not grow with them.
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

// unpack reads blocks that a decoded state has not read yet.
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

// encodeResults writes the finished scopes: full blocks by their value, the others one by one.
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

// resultsMax is how many finished scopes a body can hold with so many bytes left, of which each that is
// in no block takes one: a damaged row cannot ask for memory without end.
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
