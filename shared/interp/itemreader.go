package interp

import (
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// itemReader reads the items of a MapRun from objects, block by block. A block is read by an attempt
// of the Map's own entry, which is leased, lost and repeated like the call of a task: its result
// counts once. The entry's total grows with each block. Blocks are stored like other values, so the
// row holds no items (docs/protocol.md#mapruns).
type itemReader struct {
	source   *flow.Value  // what is read, an object (task/itemtask.Source)
	cursor   *flow.Value  // where the next block begins, as the block before has said; nil: the first
	reads    int          // attempts so far
	itemsMax int64        // by MaxItems; -1: not given
	end      bool         // all items are read
	ahead    int          // blocks that the next batch needs, if they are more than blocksAhead
	blocks   []*itemBlock // those with items that are not handed out, in their order
	unknown  []byte
}

// itemBlock are consecutive items.
type itemBlock struct {
	first, count int // index of the first item, and number of items
	items        *flow.Value
	tree         []any // nil after decoding, until loadBlocks
}

// Bounds of a block. The result of a call that reads one must fit into an inbox entry.
const (
	blockItemsMax = 1000
	blockBytesMax = 256 << 10
)

// blocksAhead is how many blocks may be read and not handed out completely: the one whose items are
// handed out, and one more, so that children do not wait for the reader. A batch whose items go
// beyond them makes the reader read more, up to blocksMax: there it ends, whatever its limits say.
const (
	blocksAhead = 2
	blocksMax   = 16
)

// reader returns the itemReader of an open MapRun; nil: ItemsPath gave the items.
func (e *entry) reader() *itemReader {
	if e.mapRun == nil {
		return nil
	}
	return e.mapRun.reader
}

// wantsBlock reports whether the next block must be read now.
func (r *itemReader) wantsBlock(e *entry) bool {
	return e.attempt == nil && r.lacksBlocks()
}

// lacksBlocks reports whether more blocks must be read before a batch can be built.
func (r *itemReader) lacksBlocks() bool {
	return !r.end && len(r.blocks) < max(blocksAhead, r.ahead)
}

// allRead reports whether the number of items is known.
func (e *entry) allRead() bool { return e.reader() == nil || e.reader().end }

// newReader evaluates the ItemReader of a Map. itemsMax is MaxItems; -1: not given.
func (f *stepper) newReader(e *entry, spec *flow.ReaderSpec, itemsMax int64) (*itemReader, error) {
	tree, err := f.build(spec.Parameters, f.env(e, "ItemReader"))
	if err != nil {
		return nil, err
	}
	own := int64(-1)
	err = f.readNumber(e, numberField{"ReaderConfig.MaxItems", spec.ItemsMax, 0, &own})
	if err != nil {
		return nil, err
	}
	if itemsMax < 0 || own >= 0 && own < itemsMax {
		itemsMax = own
	}
	source := map[string]any{}
	if parameters, ok := tree.(map[string]any); ok {
		for _, name := range flow.ReaderParameters {
			if v, ok := parameters[name]; ok && v != nil {
				source[name] = v
			}
		}
	}
	for name, v := range spec.Config {
		source[name] = v
	}
	r := &itemReader{itemsMax: itemsMax, end: itemsMax == 0}
	r.source, err = f.valueWithinDataLimit(source, "ItemReader")
	return r, err
}

// readBlock opens the attempt that reads the next block.
func (f *stepper) readBlock(e *entry) {
	r := e.reader()
	r.reads++
	e.attempt = &attempt{id: e.mapRun.readAttempt(r.reads), phase: attemptReady,
		started: true, submitted: true} // no event says so
}

// readAttempt returns the id of the nth attempt that reads items. Children have smaller ones.
func (r *mapRun) readAttempt(n int) int64 { return r.id<<childBits | 1<<(childBits-1) | int64(n) }

// unloaded appends the values that the call of an entry needs and that are not loaded.
func (e *entry) unloaded(need []*flow.Value) []*flow.Value {
	values := []*flow.Value{e.input, e.attempt.params}
	if e.isWriting() {
		values = e.writer().needed()
	} else if r := e.reader(); r != nil {
		values = []*flow.Value{r.source, r.cursor}
	}
	for _, v := range values {
		if v != nil && !v.Loaded() {
			need = append(need, v)
		}
	}
	return need
}

// blockRequest returns the parameters of the call that reads the next block.
func (f *stepper) blockRequest(e *entry) *flow.Value {
	r := e.reader()
	itemsMax := int64(blockItemsMax)
	if r.itemsMax >= 0 {
		itemsMax = min(itemsMax, r.itemsMax-int64(e.total))
	}
	q := map[string]any{"Source": r.source.Tree(), "ItemsMax": value.FromInt(itemsMax),
		"BytesMax": value.FromInt(blockBytesMax), "ItemBytesMax": value.FromInt(int64(f.dataMax()))}
	if r.cursor != nil {
		q["Cursor"] = r.cursor.Tree()
	}
	return flow.NewValue(q)
}

// blockRead applies the result of the call that reads a block. It must not use the machine.
func (f *stepper) blockRead(e *entry, n *Message) Reply {
	r := e.reader()
	e.attempt = nil
	f.out.Changed = true
	if n.Error != nil {
		f.fail(e, *n.Error)
		return Reply{}
	}
	items, cursor, end, ok := decodeBlock(n)
	if !ok {
		f.fail(e, flow.Error{Name: flow.ErrItemReader, Cause: "what was read is no block of items"})
		return Reply{}
	}
	r.end = end
	if left := r.itemsMax - int64(e.total); r.itemsMax >= 0 && int64(len(items)) >= left {
		items, r.end = items[:left], true
	}
	if e.total+len(items) > f.l.MapItems {
		f.fail(e, f.tooManyItems(e.total+len(items)))
		return Reply{}
	}
	r.cursor = flow.NewValue(cursor)
	if len(items) > 0 {
		r.blocks = append(r.blocks, &itemBlock{first: e.total, count: len(items),
			items: flow.NewValue(items), tree: items})
	}
	e.total += len(items)
	e.pending += len(items)
	f.s.ready = true
	if r.end {
		f.checkTolerance(e) // a percentage is judged when the number of items is known
	}
	return Reply{}
}

// decodeBlock returns the parts of the result of a call that reads a block.
func decodeBlock(n *Message) (items []any, cursor map[string]any, end, ok bool) {
	tree := n.Tree
	if tree == nil {
		var err error
		if tree, err = value.Decode(n.Output); err != nil {
			return nil, nil, false, false
		}
	}
	members, _ := tree.(map[string]any)
	items, hasItems := members["Items"].([]any)
	cursor, hasCursor := members["Cursor"].(map[string]any)
	end, hasEnd := members["End"].(bool)
	// A block without items that is not the last would be read for ever.
	return items, cursor, end, hasItems && hasCursor && hasEnd && (end || len(items) > 0)
}

// tooManyItems returns the error of a MapRun with more items than the limit.
func (f *stepper) tooManyItems(n int) flow.Error {
	return flow.Error{Name: flow.ErrMapRunFailed, Cause: fmt.Sprintf(
		"%d items are more than the %d that a distributed Map may have; the setting Limits.MapItems "+
			"raises that", n, f.l.MapItems)}
}

// itemsBound returns the number of items, or the largest that is possible while they are read.
func (f *stepper) itemsBound(e *entry) int {
	r := e.reader()
	switch {
	case e.allRead():
		return e.total
	case r.itemsMax >= 0:
		return int(min(r.itemsMax, int64(f.l.MapItems)))
	}
	return f.l.MapItems
}

// loadBlocks sets the trees of the blocks again after the entry was stored and decoded.
func (r *itemReader) loadBlocks() error {
	for _, b := range r.blocks {
		if b.tree != nil {
			continue
		}
		tree, err := treeOf(b.items)
		if err != nil {
			return err
		}
		if b.tree, _ = tree.([]any); len(b.tree) != b.count {
			return flow.ErrCorrupt
		}
	}
	return nil
}

// at returns the item with an index, which must be in a loaded block.
func (r *itemReader) at(index int) any {
	for _, b := range r.blocks {
		if index < b.first+b.count {
			return b.tree[index-b.first]
		}
	}
	return nil
}

// release forgets the blocks whose items are handed out.
func (r *itemReader) release(cursor int) {
	for len(r.blocks) > 0 && cursor >= r.blocks[0].first+r.blocks[0].count {
		r.blocks = r.blocks[1:]
	}
}
