package interp

import (
	"cmp"

	"millrace/shared/flow"
)

// resultInline is the length in bytes of the largest result that a body contains in place. It is
// small because a body may contain many results.
const resultInline = 8

// defaultBlockSize is the default of Facts.BlockSize.
const defaultBlockSize = 256

func (f *Facts) blockSize() int { return cmp.Or(f.BlockSize, defaultBlockSize) }

// pack moves each full block of results into a value of its own, so that the size of the body does
// not grow with the number of results.
func (e *entry) pack(block int, f func(v *flow.Value)) {
	full := len(e.results) / block
	if full == 0 {
		return
	}
	for len(e.blocks) < full { // the results of a MapRun grow
		e.blocks = append(e.blocks, nil)
	}
	for i := range e.blocks {
		if e.blocks[i] != nil || !e.packable(e.results[i*block:(i+1)*block]) {
			continue
		}
		w := flow.FieldWriter{Inline: resultInline}
		for _, v := range e.results[i*block : (i+1)*block] {
			w.Value(listValue, v)
		}
		e.blocks[i] = flow.TextValue(w.Buf)
		f(e.blocks[i])
	}
}

// packable reports whether the results of a block are known and stored. Those of a MapRun are
// stored with the block if they are short, because no event has them.
func (e *entry) packable(done []*flow.Value) bool {
	for _, v := range done {
		if v == nil || v.Ref().Kind == flow.RefNone && v.Len() > resultInline && e.mapRun == nil {
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
		r := flow.ReadFields(b.Text())
		n := 0
		for ; n < block && r.Next() && r.Field == listValue; n++ {
			e.results[i*block+n] = r.Value()
		}
		if n < block || r.Next() || r.Err != nil {
			return flow.ErrCorrupt
		}
	}
	return nil
}

// Elements of a list of results, which is closed.
const (
	listValue   = 1
	listMissing = 2 // so many results that are not known yet
	listBlock   = 3 // the value of a full block
)

// missingMax is the maximum of listMissing. It keeps a damaged row from demanding unlimited memory.
const missingMax = 64

// encodeResults writes the results: full blocks as references to their values, the others one by
// one.
func encodeResults(w *flow.FieldWriter, n *entry, block int) {
	if len(n.results) == 0 {
		return
	}
	start, inline := w.Begin(entryResults), w.Inline
	w.Inline = resultInline
	missing := 0
	flush := func() {
		w.Uint(listMissing, uint64(missing))
		missing = 0
	}
	for i := 0; i < len(n.results); i++ {
		if b := i / block; b < len(n.blocks) && n.blocks[b] != nil {
			flush()
			w.Inline = 0
			w.Value(listBlock, n.blocks[b])
			w.Inline = resultInline
			i = (b+1)*block - 1
			continue
		}
		if n.results[i] == nil {
			if missing++; missing == missingMax {
				flush()
			}
			continue
		}
		flush()
		w.Value(listValue, n.results[i])
	}
	flush()
	w.Inline = inline
	w.End(start)
}

// decodeResults reads what encodeResults wrote.
func (e *entry) decodeResults(r *flow.FieldReader, block int) {
	after := r.Enter()
	count := countResults(*r, block)
	if count > e.total+1 {
		r.Fail()
	}
	e.results, e.blocks = make([]*flow.Value, min(count, e.total+1)), nil
	if full := len(e.results) / block; full > 0 {
		e.blocks = make([]*flow.Value, full)
	}
	for i := 0; r.Next(); {
		switch r.Field {
		case listValue:
			e.results[i] = r.Value()
			i++
		case listMissing:
			i += int(r.Small(missingMax))
		case listBlock:
			v := r.Value()
			if i%block != 0 || v.Ref().Kind != flow.RefRow {
				r.Fail()
				break
			}
			e.blocks[i/block] = v
			i += block
		default:
			r.Fail()
		}
	}
	r.Leave(after)
}

// countResults returns how many results a list has.
func countResults(r flow.FieldReader, block int) (n int) {
	for r.Next() {
		switch r.Field {
		case listValue:
			n++
		case listMissing:
			n += int(r.Small(missingMax))
		case listBlock:
			n += block
		}
	}
	return n
}
