// Package memstore is a driver in memory, for tests and the simulation. It keeps every
// promise of driver.Driver except surviving its process. Hooks let a test fail a call before or
// after it takes effect.
//
// It behaves as badly as a cloud may: the puts of a commit are applied separately from its
// compare-and-set, and stay if that is rejected, and pages may be short.
package memstore

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"
	"sync"

	"millrace/shared/store/driver"
)

// Operations, as they are passed to the hooks.
const (
	OpGet    = "get"
	OpRange  = "range"  // the key has the partition and From
	OpCommit = "commit" // the key is that of the conditional row
	OpCAS    = "cas"    // inside a commit, Before only: the puts are applied, cas is not
	OpPut    = "put"    // the key is that of the first row
	OpDelete = "delete"
	OpList   = "list" // the key has the group as its partition, and From
	OpDue    = "due"  // the key is empty
)

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("memstore: closed")

// Store is a driver in memory. Set the fields before the first call: they are not
// synchronized.
type Store struct {
	// Before is called before an operation. If it returns an error, the caller gets that error and
	// nothing is applied.
	Before func(op string, key driver.Key) error

	// After is called after an operation has taken effect or has been rejected. If it returns an
	// error, the caller gets that error instead of the result, so the outcome is unknown to it.
	// Both hooks run outside the store's lock and may use the store.
	After func(op string, key driver.Key) error

	// WakeShards is the number of shards of the wake index until SetShards; 0 means 1.
	WakeShards int

	// PageRows limits each page of Range, List and Due to that many rows, whatever the limit is; 0:
	// no limit.
	PageRows int

	mu     sync.RWMutex
	closed bool
	raised int                // by SetShards
	shards map[driver.Key]int // of the rows in the wake index
	parts  map[string]*index[string, driver.Row]
	lists  map[string]*index[listKey, *driver.ListEntry]
	wakes  []*index[wakeKey, struct{}]
}

var _ driver.Driver = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		parts:  make(map[string]*index[string, driver.Row]),
		shards: make(map[driver.Key]int),
		lists:  make(map[string]*index[listKey, *driver.ListEntry]),
	}
}

// Shards returns WakeShards, or the number to which SetShards has raised it; at least 1.
func (s *Store) Shards() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.shardCount()
}

// SetShards implements driver.Driver.
func (s *Store) SetShards(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shardCount() > 1 {
		s.raised = max(s.raised, n)
	}
}

func (s *Store) shardCount() int { return max(s.WakeShards, s.raised, 1) }

// Close makes every later call fail with ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Get implements driver.Driver.
func (s *Store) Get(ctx context.Context, key driver.Key) (row driver.Row, err error) {
	err = s.do(ctx, OpGet, key, func() error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.closed {
			return ErrClosed
		}
		var ok bool
		if row, ok = s.row(key); !ok {
			return driver.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return driver.Row{}, err
	}
	return row, nil
}

// Range implements driver.Driver.
func (s *Store) Range(
	ctx context.Context, r driver.Range,
) (rows []driver.Row, more bool, err error) {
	err = s.do(ctx, OpRange, driver.Key{Partition: r.Partition, Sort: r.From}, func() error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.closed {
			return ErrClosed
		}
		part := s.parts[r.Partition]
		if part == nil {
			return nil
		}
		lo, hi := part.lowerBound(r.From), part.len()
		if r.To != "" {
			hi = part.lowerBound(r.To)
		}
		var page []entry[string, driver.Row]
		page, more = part.page(lo, hi, s.limitPage(r.Limit), r.Reverse)
		for _, e := range page {
			rows = append(rows, e.value)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return rows, more, nil
}

// Commit implements driver.Driver. The puts are applied first and stay if cas is rejected.
func (s *Store) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	return s.do(ctx, OpCommit, cas.Key, func() error {
		if len(puts) > 0 {
			if err := s.putAll(puts); err != nil {
				return err
			}
		}
		if s.Before != nil {
			if err := s.Before(OpCAS, cas.Key); err != nil {
				return err
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed {
			return ErrClosed
		}
		if !s.satisfies(cas.Key, cond) {
			return driver.ErrConflict
		}
		s.set(cas)
		return nil
	})
}

// Put implements driver.Driver.
func (s *Store) Put(ctx context.Context, rows []driver.Row) error {
	var first driver.Key
	if len(rows) > 0 {
		first = rows[0].Key
	}
	return s.do(ctx, OpPut, first, func() error { return s.putAll(rows) })
}

// Delete implements driver.Driver.
func (s *Store) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	return s.do(ctx, OpDelete, key, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed {
			return ErrClosed
		}
		if cond != nil && !s.satisfies(key, *cond) {
			return driver.ErrConflict
		}
		s.remove(key)
		return nil
	})
}

// do runs an operation between the hooks. An error of After hides the outcome, an error of Before
// prevents the operation.
func (s *Store) do(ctx context.Context, op string, key driver.Key, apply func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Before != nil {
		if err := s.Before(op, key); err != nil {
			return err
		}
	}
	err := apply()
	if s.After != nil {
		if hidden := s.After(op, key); hidden != nil {
			return hidden
		}
	}
	return err
}

// limitPage applies PageRows to a limit; 0 means no limit.
func (s *Store) limitPage(limit int) int {
	if s.PageRows > 0 && (limit <= 0 || limit > s.PageRows) {
		return s.PageRows
	}
	return max(limit, 0)
}

func (s *Store) putAll(rows []driver.Row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	for _, row := range rows {
		s.set(row)
	}
	return nil
}

func (s *Store) row(key driver.Key) (driver.Row, bool) {
	part := s.parts[key.Partition]
	if part == nil {
		return driver.Row{}, false
	}
	return part.get(key.Sort)
}

func (s *Store) satisfies(key driver.Key, cond driver.Condition) bool {
	row, ok := s.row(key)
	if cond.Absent {
		return !ok || row.Expires != 0 && row.Expires <= cond.Now
	}
	return ok && row.Version == cond.Version && row.Fence == cond.Fence
}

func (s *Store) set(row driver.Row) {
	s.unindex(row.Key)
	part := s.parts[row.Partition]
	if part == nil {
		part = &index[string, driver.Row]{compare: strings.Compare}
		s.parts[row.Partition] = part
	}
	part.set(row.Sort, row)
	if row.Wake != 0 {
		shard := s.shard(row.Partition)
		s.shards[row.Key] = shard
		s.wake(shard).set(wakeKey{row.Wake, row.Key}, struct{}{})
	}
	if l := row.List; l != nil {
		list := s.lists[l.Group]
		if list == nil {
			list = &index[listKey, *driver.ListEntry]{compare: compareListKeys}
			s.lists[l.Group] = list
		}
		list.set(listKey{l.Sort, row.Key}, l)
	}
}

func (s *Store) remove(key driver.Key) {
	s.unindex(key)
	part := s.parts[key.Partition]
	if part == nil {
		return
	}
	part.remove(key.Sort)
	if part.len() == 0 {
		delete(s.parts, key.Partition)
	}
}

// unindex removes the row's entries from both indexes.
func (s *Store) unindex(key driver.Key) {
	row, ok := s.row(key)
	if !ok {
		return
	}
	if row.Wake != 0 {
		s.wake(s.shards[key]).remove(wakeKey{row.Wake, key})
		delete(s.shards, key)
	}
	if l := row.List; l != nil {
		s.lists[l.Group].remove(listKey{l.Sort, key})
		if s.lists[l.Group].len() == 0 {
			delete(s.lists, l.Group)
		}
	}
}

func (s *Store) shard(partition string) int {
	shards := s.shardCount()
	if shards == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(partition))
	return int(h.Sum32() % uint32(shards))
}

// wake returns the wake index of a shard. The caller must hold the lock for writing.
func (s *Store) wake(shard int) *index[wakeKey, struct{}] {
	for len(s.wakes) <= shard {
		s.wakes = append(s.wakes, &index[wakeKey, struct{}]{compare: compareWakeKeys})
	}
	return s.wakes[shard]
}
