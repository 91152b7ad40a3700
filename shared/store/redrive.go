package store

import (
	"context"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// KeepDefinition keeps a definition that a redriven execution needs: if it would expire, the row is
// written again, and the sweeper decides anew at wake, in ms since 1970. ErrNotFound: it is gone.
// ErrConflict: another writer has changed it, and the caller should try again.
func (s *Store) KeepDefinition(ctx context.Context, flowID, hash string, wake int64) error {
	row, err := s.driver.Get(ctx, definitionKey(flowID, hash))
	switch {
	case err != nil:
		return err
	case row.Expires == 0:
		return nil
	case row.Expires <= s.nowMillis():
		return ErrNotFound
	}
	if err := checkDefinition(row); err != nil {
		return err
	}
	same := driver.Condition{Version: row.Version, Fence: row.Fence}
	row.Version++
	row.Expires, row.Wake = 0, wake
	return s.driver.Commit(ctx, nil, row, same)
}

// KeepRows makes the history and the values of an execution stay until expires, in ms since 1970,
// because another life of it may last until then. refs name the values of its state that have rows
// of their own. Every row that history or state still name is written again as it is, unless it has
// lost something: the damage of one bad read must not become lasting.
func (s *Store) KeepRows(
	ctx context.Context, x *Execution, refs []flow.Ref, expires int64,
) error {
	k := rowKeeper{store: s, x: x, expires: expires, sizes: map[string]int{}}
	if err := k.learnSizes(ctx, refs); err != nil {
		return err
	}
	run, _, _ := strings.Cut(x.rowAddress().fence, ".")
	for from := sortAfterInbox; ; {
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: x.Partition(), From: from, Limit: s.sizes.valueRows()})
		if err != nil {
			return err
		}
		for _, row := range rows {
			from = row.Sort + "\x00"
			if !belongsToRun(row.Sort, run) {
				continue
			}
			if err := k.keep(ctx, row); err != nil {
				return err
			}
		}
		if !more {
			return k.flush(ctx)
		}
	}
}

// rowKeeper writes rows again that are whole, all rows of a value together.
type rowKeeper struct {
	store   *Store
	x       *Execution
	expires int64
	sizes   map[string]int // bytes of a value, by the part of its rows' sort keys that they share
	value   string         // that part, of the rows below
	rows    []driver.Row
}

// learnSizes reads the history to know how long the values are that it and refs name.
func (k *rowKeeper) learnSizes(ctx context.Context, refs []flow.Ref) error {
	events, err := k.store.Events(ctx, k.x, 1, int(k.x.LastEvent))
	if err != nil {
		return err
	}
	for i := range events {
		events[i].Values(func(_ byte, v *flow.Value) { refs = append(refs, v.Ref()) })
	}
	for _, v := range [...]*flow.Value{k.x.InputRef, k.x.Output, k.x.bodyRef} {
		if v != nil {
			refs = append(refs, v.Ref())
		}
	}
	for _, r := range refs {
		if r.Kind == flow.RefRow {
			k.sizes[valueOf(valueSort(k.x.Run, r.Version, r.Token, 0))] = r.Len
		}
	}
	return nil
}

// valueOf returns what the sort keys of the rows of one value share. A row of the history is alone.
func valueOf(sort string) string {
	if !strings.HasPrefix(sort, prefixValue) {
		return sort
	}
	return sort[:strings.LastIndexByte(sort, '#')]
}

func (k *rowKeeper) keep(ctx context.Context, row driver.Row) error {
	if value := valueOf(row.Sort); value != k.value {
		if err := k.flush(ctx); err != nil {
			return err
		}
		k.value = value
	}
	k.rows = append(k.rows, row)
	return nil
}

// flush writes the rows of one value, or one row of the history, if they would expire too soon.
func (k *rowKeeper) flush(ctx context.Context) error {
	var kept []driver.Row
	size := 0
	for _, row := range k.rows {
		size += len(row.Data)
		if row.Expires > 0 && row.Expires < k.expires {
			row.Expires, row.Wake = k.expires, 0
			kept = append(kept, row)
		}
	}
	k.rows = k.rows[:0]
	if len(kept) == 0 {
		return nil
	}
	if strings.HasPrefix(k.value, prefixValue) {
		want, named := k.sizes[k.value]
		if !named { // an earlier body, or what a lost commit has written
			return nil
		}
		if size != want {
			return damagedRow("value", kept[0].Key, flow.ErrCorrupt)
		}
	} else if _, err := decodeHistory(kept[0], k.x); err != nil {
		return err
	}
	return k.store.driver.Put(ctx, kept)
}
