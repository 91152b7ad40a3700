package store

import (
	"context"
	"sync"
	"time"

	"millrace/shared/share"
	"millrace/shared/store/driver"
)

// DiskUse estimates how many bytes the flows and executions of each account take. It rejects new
// flows and executions of an account that takes more than is still free, so one account alone never
// fills a disk that others use. Running executions go on.
//
// It counts what this process writes. Only the last Recount knows what existed before this process
// and what has been deleted since. A nil DiskUse counts and rejects nothing. It is safe for
// concurrent use.
type DiskUse struct {
	free func() (bytes int64, ok bool)
	now  func() time.Time

	mu               sync.Mutex
	bytes            map[string]int64 // by account
	written          map[string]int64 // since the recount under way began; nil: none is under way
	recountedAt      time.Time        // end of the last recount; zero: nothing is rejected yet
	recountRequested chan struct{}
}

// NewDiskUse returns a DiskUse. free returns how many bytes may still be written; ok is false if
// that is not known.
func NewDiskUse(free func() (bytes int64, ok bool), now func() time.Time) *DiskUse {
	return &DiskUse{free: free, now: now, bytes: map[string]int64{},
		recountRequested: make(chan struct{}, 1)}
}

// recountAfter is the age of a count from which a rejection requests a recount: only a recount sees
// deletions.
const recountAfter = 10 * time.Minute

// admit returns a *share.LimitError if the account takes more than is free.
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

// RecountRequested returns a channel that receives a value when an old count rejects an account:
// the account may have deleted enough since.
func (u *DiskUse) RecountRequested() <-chan struct{} { return u.recountRequested }

// Bytes returns how many bytes each account takes.
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

// beginRecount and endRecount enclose a recount. What is written in between may be counted twice.
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

// recountPause is how long a recount leaves the disk to others after each 100 executions.
const recountPause = 2 * time.Millisecond

// Recount reads everything that the flows of all accounts have and counts it again. It is slow on
// purpose, and stops when ctx ends. It does not find executions of deleted flows; these expire
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
		for group := range max(f.ListShards, 1) {
			err := s.eachInGroup(ctx, shardGroup(f.ID, group), "", "", func(l driver.Listed) error {
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

// sizeOf estimates how many bytes the rows of a partition take.
func (s *Store) sizeOf(ctx context.Context, partition string) (bytes int64, err error) {
	for from := ""; ; {
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: partition, From: from, Limit: s.sizes.Rows})
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

// rowOverhead estimates the bytes of a row beside its data: its keys in the table and the indexes.
const rowOverhead = 200

func sizeOfRow(r *driver.Row) int64 { return int64(len(r.Data)) + rowOverhead }
