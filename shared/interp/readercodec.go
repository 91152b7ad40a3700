package interp

import (
	"math"

	"millrace/shared/flow"
)

// Fields of an itemReader.
const (
	readerSource   = 1
	readerCursor   = 2
	readerReads    = 3
	readerItemsMax = 4
	readerEnd      = 5
	readerBlock    = 6
	readerAhead    = 7
)

// Fields of a block of items, which is closed.
const (
	blockFirst = 1
	blockCount = 2
	blockItems = 3
)

func encodeReader(w *flow.FieldWriter, r *itemReader) {
	w.Value(readerSource, r.source)
	w.Value(readerCursor, r.cursor)
	w.Uint(readerReads, uint64(r.reads))
	w.PresentInt(readerItemsMax, r.itemsMax)
	w.Bool(readerEnd, r.end)
	for _, b := range r.blocks {
		start := w.Begin(readerBlock)
		w.Uint(blockFirst, uint64(b.first))
		w.Uint(blockCount, uint64(b.count))
		w.Value(blockItems, b.items)
		w.End(start)
	}
	w.Uint(readerAhead, uint64(r.ahead))
	w.Unknown(r.unknown)
}

func decodeReader(r *flow.FieldReader) *itemReader {
	m := &itemReader{itemsMax: -1}
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case readerSource:
			m.source = r.Value()
		case readerCursor:
			m.cursor = r.Value()
		case readerReads:
			m.reads = int(r.Small(math.MaxInt32))
		case readerItemsMax:
			m.itemsMax = r.Int()
		case readerEnd:
			m.end = r.Bool()
		case readerAhead:
			m.ahead = int(r.Small(blocksMax))
		case readerBlock:
			m.blocks = append(m.blocks, decodeItemBlock(r))
		default:
			r.Keep(&m.unknown)
		}
	}
	if r.Err == nil && m.source == nil {
		r.Fail()
	}
	r.Leave(after)
	return m
}

func decodeItemBlock(r *flow.FieldReader) *itemBlock {
	b := &itemBlock{}
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case blockFirst:
			b.first = int(r.Small(math.MaxInt32))
		case blockCount:
			b.count = int(r.Small(blockItemsMax))
		case blockItems:
			b.items = r.Value()
		default:
			r.Fail()
		}
	}
	if r.Err == nil && (b.items == nil || b.count == 0) {
		r.Fail()
	}
	r.Leave(after)
	return b
}

// consistent reports whether the blocks hold the items from the entry's cursor to its total.
func (r *itemReader) consistent(e *entry) bool {
	next := e.total
	for i := len(r.blocks) - 1; i >= 0; i-- {
		b := r.blocks[i]
		if next -= b.count; b.first != next {
			return false
		}
	}
	return next <= e.cursor && e.cursor <= e.total
}

// eachValue calls f for every value of the reader.
func (r *itemReader) eachValue(f func(v *flow.Value)) {
	f(r.source)
	if r.cursor != nil {
		f(r.cursor)
	}
	for _, b := range r.blocks {
		f(b.items)
	}
}
