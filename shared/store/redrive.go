package store

import (
	"bytes"
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
// because another life of it may last until then. Every row is written again as it is; a row that
// two reads show differently is left for another try, so that no damaged read is made permanent.
func (s *Store) KeepRows(ctx context.Context, x *Execution, expires int64) error {
	run, _, _ := strings.Cut(x.rowAddress().fence, ".")
	for from := sortAfterInbox; ; {
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: x.Partition(), From: from, Limit: s.sizes.valueRows()})
		if err != nil {
			return err
		}
		again, _, err := s.driver.Range(ctx,
			driver.Range{Partition: x.Partition(), From: from, Limit: max(len(rows), 1)})
		if err != nil {
			return err
		}
		var kept []driver.Row
		for i, row := range rows {
			if i >= len(again) || again[i].Key != row.Key || !bytes.Equal(again[i].Data, row.Data) {
				return damagedRow("kept", row.Key, flow.ErrCorrupt)
			}
			from = row.Sort + "\x00"
			if belongsToRun(row.Sort, run) && row.Expires > 0 && row.Expires < expires {
				row.Expires, row.Wake = expires, 0
				kept = append(kept, row)
			}
		}
		if len(kept) > 0 {
			if err := s.driver.Put(ctx, kept); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}
