package store

import (
	"context"
	"sync"
	"time"

	"millrace/shared/share"
)

// DiskUse is about how many bytes the flows and executions of each account take, and refuses new
// ones of an account that takes more than is still free: so one account alone never fills a disk
// that others use. What already runs goes on.
//
// It counts what this process writes. What is forgotten, and what stood there before, is known from
// the last Recount. A nil DiskUse counts nothing and refuses nothing. It is safe for many
// goroutines.
type DiskUse struct {
	free func() (bytes int64, ok bool)
	now  func() time.Time

	mu               sync.Mutex
	bytes            map[string]int64 // by account
	written          map[string]int64 // since the recount that is under way began; nil: none is
	recountedAt      time.Time        // when the last recount ended; zero: never, and nothing is refused
	recountRequested chan struct{}
}

// NewDiskUse returns a DiskUse; free returns what may still be written, !ok when that is not known.
func NewDiskUse(free func() (bytes int64, ok bool), now func() time.Time) *DiskUse {
	return &DiskUse{free: free, now: now, bytes: map[string]int64{}, recountRequested: make(chan struct{}, 1)}
}

// recountAfter is how old a count may be for an account to be refused by it: deletions are seen by
// a recount alone.
const recountAfter = 10 * time.Minute

// admit returns a *share.Refusal when the account takes more than is free.
func (u *DiskUse) admit(account string) error {
	if u == nil {
		return nil
	}
	free, ok := u.free()
	if !ok {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	held := u.bytes[account]
	if held <= free || u.recountedAt.IsZero() {
		return nil
	}
	if u.now().Sub(u.recountedAt) > recountAfter {
		select {
		case u.recountRequested <- struct{}{}:
		default:
		}
	}
	return &share.LimitError{Resource: "bytes of the disk", Account: account,
		Held: held, Used: held, Capacity: held + free}
}

func (u *DiskUse) add(account string, bytes int64) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bytes[account] += bytes
	if u.written != nil {
		u.written[account] += bytes
	}
}

// RecountRequested is sent to when an account is refused by a count that is old: it may have deleted enough
// since.
func (u *DiskUse) RecountRequested() <-chan struct{} { return u.recountRequested }

// Bytes returns what each account takes.
func (u *DiskUse) Bytes() map[string]int64 {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	bytes := make(map[string]int64, len(u.bytes))
	for account, n := range u.bytes {
		bytes[account] = n
	}
	return bytes
}

// beginRecount and end enclose a recount. What is written meanwhile is counted twice at worst.
func (u *DiskUse) beginRecount() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.written = map[string]int64{}
}

func (u *DiskUse) endRecount(bytes map[string]int64, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		for account, n := range u.written {
			bytes[account] += n
		}
		u.bytes, u.recountedAt = bytes, u.now()
	}
	u.written = nil
}

// recountPause is how long a recount lets others have the disk after each hundred executions.
const recountPause = 2 * time.Millisecond

// Recount reads everything that the flows of all accounts have and counts it anew. It takes its
// time, and ends with ctx. Executions of flows that are deleted are not found; they are forgotten
// within a day.
func (s *Store) Recount(ctx context.Context) error {
	if s.diskUse == nil {
		return nil
	}
	s.diskUse.beginRecount()
	bytes, executions := map[string]int64{}, 0
	err := s.EachFlow(ctx, func(f *Flow) error {
		n, err := s.sizeOf(ctx, definitionPartition(f.ID))
		bytes[f.Account] += n
		if err != nil {
			return err
		}
		for group := range listShards {
			err := s.eachInGroup(ctx, shardGroup(f.ID, group), "", "", func(l Listed) error {
				n, err := s.sizeOf(ctx, l.Key.Partition)
				bytes[f.Account] += n
				if executions++; executions%100 == 0 {
					select {
					case <-time.After(recountPause):
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	s.diskUse.endRecount(bytes, err)
	return err
}

// sizeOf is about how many bytes the rows of a partition take.
func (s *Store) sizeOf(ctx context.Context, partition string) (bytes int64, err error) {
	for from := ""; ; {
		rows, more, err := s.driver.Range(ctx, Range{Partition: partition, From: from, Limit: s.sizes.Rows})
		if err != nil {
			return bytes, err
		}
		for i := range rows {
			bytes += sizeOfRow(&rows[i])
			from = rows[i].Sort + "\x00"
		}
		if !more || len(rows) == 0 {
			return bytes, nil
		}
	}
}

// rowOverhead is about what a row takes beside its data: keys in the table and its indexes.
const rowOverhead = 200

func sizeOfRow(r *Row) int64 { return int64(len(r.Data)) + rowOverhead }
