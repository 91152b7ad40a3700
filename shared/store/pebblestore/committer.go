package pebblestore

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"millrace/shared/store/driver"
)

// Bounds of a group. They keep the wait for other requests short and a batch smaller than a
// memtable. Requests of more than largeBytes have separate, much smaller groups: a sync takes
// longer the more it writes, and small requests must not wait for large ones.
const (
	groupRequests = 1024
	groupBytes    = 4 << 20
	largeBytes    = 16 << 10
	largeGroup    = 256 << 10
)

// partitionIDBlock is how many partition numbers the committer reserves in the database at a time.
// The numbers that a process does not use are lost.
const partitionIDBlock = 1 << 16

// rowKey names a row by the number of its partition.
type rowKey struct {
	partitionID uint64
	sort        string
}

// committer is the state that only the goroutine of commitLoop uses.
type committer struct {
	// the next partition number, and the first one that is not reserved
	nextPartitionID, reservedUpTo uint64
	headerCache                   twoGenerationCache[rowKey, rowHeader]
	group                         group
}

func (c *committer) init(next uint64, cacheRows int) {
	c.nextPartitionID, c.reservedUpTo = next, next
	c.headerCache = newTwoGenerationCache[rowKey, rowHeader](cacheRows)
	c.group.init()
}

// commitLoop commits the waiting requests, group after group, until the queue is closed and empty.
func (s *Store) commitLoop() {
	defer close(s.inFlight)
	var spare, large []*request
	for {
		<-s.queue.signal
		for {
			// Let the callers of the last group add their next requests first. Without callers this
			// costs nothing.
			runtime.Gosched()
			all, closed := s.queue.take(spare[:0])
			if closed && len(large) == 0 {
				return
			}
			if len(all) == 0 && len(large) == 0 {
				spare = all
				break
			}
			var small []*request
			small, large = split(all, large)
			for len(small) > 0 {
				n := groupSize(small, groupBytes)
				s.commitGroup(small[:n])
				small = small[n:]
			}
			if len(large) > 0 { // then take what has arrived meanwhile
				n := groupSize(large, largeGroup)
				s.commitGroup(large[:n])
				large = slices.Delete(large, 0, n)
			}
			clear(all)
			spare = all
		}
	}
}

// split appends the large requests of all to large, and returns the others, in their order, at the
// beginning of all.
func split(all, large []*request) (small, _ []*request) {
	small = all[:0]
	for _, r := range all {
		if r.bytes > largeBytes {
			large = append(large, r)
		} else {
			small = append(small, r)
		}
	}
	return small, large
}

// groupSize returns how many of the first requests make a group of at most maxBytes bytes, at least
// one.
func groupSize(requests []*request, maxBytes int) int {
	bytes := 0
	for i, r := range requests {
		bytes += r.bytes
		if i > 0 && bytes > maxBytes || i == groupRequests {
			return i
		}
	}
	return len(requests)
}

// commitGroup decides the requests in their order, writes their changes, and passes the group to
// syncLoop. While that waits for the sync, the committer decides the next group on top of it.
func (s *Store) commitGroup(requests []*request) {
	if err := s.failure.get(); err != nil {
		completeAll(requests, err)
		return
	}
	g := &s.committer.group
	g.begin(s)
	for _, r := range requests {
		r.err = g.decide(r)
	}
	g.deleteEmptied()
	f := inFlightPool.Get().(*inFlightGroup)
	f.requests = append(f.requests[:0], requests...)
	f.batch = g.batch
	if !g.batch.Empty() {
		if err := s.apply(f); err != nil {
			s.failure.set(err)
			completeAll(requests, s.failure.get())
			return
		}
	}
	g.end()
	s.inFlight <- f
}

// apply writes a batch to the log and the memtable, and requests a sync. Pebble reports some
// failures of its log by a panic and some only to its logger.
func (s *Store) apply(f *inFlightGroup) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v\n%s", p, debug.Stack())
		}
	}()
	if err := s.db.ApplyNoSyncWait(f.batch, pebble.Sync); err != nil {
		return err
	}
	if err := s.failure.get(); err != nil {
		return err
	}
	f.snapshot = &snapshot{pebble: s.db.NewSnapshot(), nextPartitionID: s.committer.nextPartitionID}
	return nil
}

// group is the changes of the requests that are committed together.
type group struct {
	store *Store
	batch *pebble.Batch

	rowHeaders   map[rowKey]rowHeader // headers of the rows as this group leaves them
	partitionIDs map[string]uint64    // numbers that this group has read or assigned; 0: none
	fresh        map[uint64]struct{}  // numbers that this group has assigned: no rows stored yet
	emptied      map[uint64]string    // partitions with a deleted row

	key, value []byte // scratch
}

func (g *group) init() {
	g.rowHeaders = make(map[rowKey]rowHeader)
	g.partitionIDs = make(map[string]uint64)
	g.fresh = make(map[uint64]struct{})
	g.emptied = make(map[uint64]string)
}

func (g *group) begin(s *Store) {
	g.store = s
	g.batch = s.db.NewBatch()
}

// end moves the results of the group into the caches and resets the group.
func (g *group) end() {
	c := &g.store.committer
	for k, h := range g.rowHeaders {
		switch {
		case h.present && h.version != 0:
			c.headerCache.set(k, h)
		default:
			c.headerCache.remove(k)
		}
	}
	for _, partition := range g.emptied {
		if g.partitionIDs[partition] == 0 {
			g.store.partitions.remove(partition)
		}
	}
	g.batch = nil
	clear(g.rowHeaders)
	clear(g.partitionIDs)
	clear(g.fresh)
	clear(g.emptied)
	if cap(g.value) > 1<<20 {
		g.value = nil
	}
}

// decide checks a request's condition against the database and the earlier requests of the group,
// and adds its changes.
func (g *group) decide(r *request) error {
	switch {
	case r.cas != nil:
		number, err := g.partitionID(r.cas.Partition)
		if err != nil {
			return err
		}
		before, err := g.rowHeader(number, r.cas.Key)
		if err != nil {
			return err
		}
		if !before.satisfies(r.cond) {
			return driver.ErrConflict
		}
		if err := g.putAll(r.puts); err != nil {
			return err
		}
		return g.put(r.cas)
	case r.delete != nil:
		return g.remove(*r.delete, r.cond)
	default:
		return g.putAll(r.puts)
	}
}

func (g *group) putAll(rows []driver.Row) error {
	for i := range rows {
		if err := g.put(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// put adds a row and its index entries, and removes the index entries of the row that it replaces.
func (g *group) put(row *driver.Row) error {
	number, err := g.partitionID(row.Partition)
	if err != nil {
		return err
	}
	if number == 0 {
		number = g.assignPartitionID(row.Partition)
	}
	before, err := g.rowHeader(number, row.Key)
	if err != nil {
		return err
	}
	g.value = appendRow(g.value[:0], row)
	g.key = appendRowKey(g.key[:0], number, row.Sort)
	if err := g.batch.Set(g.key, g.value, nil); err != nil {
		return err
	}
	after := headerOf(row)
	if err := g.index(number, row.Key, before, after); err != nil {
		return err
	}
	if after.version != 0 {
		after = after.clone(before)
	}
	g.rowHeaders[rowKey{number, row.Sort}] = after
	return nil
}

func (g *group) remove(key driver.Key, cond *driver.Condition) error {
	number, err := g.partitionID(key.Partition)
	if err != nil {
		return err
	}
	before, err := g.rowHeader(number, key)
	if err != nil {
		return err
	}
	if cond != nil && !before.satisfies(cond) {
		return driver.ErrConflict
	}
	if !before.present {
		return nil
	}
	g.key = appendRowKey(g.key[:0], number, key.Sort)
	if err := g.batch.Delete(g.key, nil); err != nil {
		return err
	}
	g.rowHeaders[rowKey{number, key.Sort}] = rowHeader{}
	g.emptied[number] = key.Partition
	return g.index(number, key, before, rowHeader{})
}

// index updates both indexes from the row before to the row after. It does not write entries that
// stay the same.
func (g *group) index(number uint64, key driver.Key, before, after rowHeader) error {
	if before.wake != after.wake {
		if before.wake != 0 {
			g.key = appendWakeKey(g.key[:0], before.wake, number, key.Sort)
			if err := g.batch.Delete(g.key, nil); err != nil {
				return err
			}
		}
		if after.wake != 0 {
			g.key = appendWakeKey(g.key[:0], after.wake, number, key.Sort)
			g.value = append(g.value[:0], key.Partition...)
			if err := g.batch.Set(g.key, g.value, nil); err != nil {
				return err
			}
		}
	}
	if equalListEntries(before.list, after.list) {
		return nil
	}
	if l := before.list; l != nil && !sameIndexKey(l, after.list) {
		g.key = appendListKey(g.key[:0], l.Group, l.Sort, number, key.Sort)
		if err := g.batch.Delete(g.key, nil); err != nil {
			return err
		}
	}
	if l := after.list; l != nil {
		g.key = appendListKey(g.key[:0], l.Group, l.Sort, number, key.Sort)
		g.value = appendListValue(g.value[:0], key.Partition, l.Fields)
		return g.batch.Set(g.key, g.value, nil)
	}
	return nil
}

// partitionID returns the number of a partition, 0 if it has none.
func (g *group) partitionID(partition string) (uint64, error) {
	if number, ok := g.partitionIDs[partition]; ok {
		return number, nil
	}
	number, ok := g.store.partitions.get(partition)
	if !ok {
		var err error
		g.key = appendPartitionKey(g.key[:0], partition)
		if number, err = readPartitionID(g.store.db, g.key); err != nil {
			return 0, err
		}
		if number != 0 {
			g.store.partitions.set(partition, number)
		}
	}
	g.partitionIDs[partition] = number
	return number, nil
}

// assignPartitionID assigns the next number to a partition, in the batch with its first row.
func (g *group) assignPartitionID(partition string) uint64 {
	c := &g.store.committer
	var value [8]byte
	if c.nextPartitionID == c.reservedUpTo {
		c.reservedUpTo += partitionIDBlock
		binary.BigEndian.PutUint64(value[:], c.reservedUpTo)
		g.batch.Set([]byte(keyNextPartitionID), value[:], nil)
	}
	number := c.nextPartitionID
	c.nextPartitionID++
	binary.BigEndian.PutUint64(value[:], number)
	g.key = appendPartitionKey(g.key[:0], partition)
	g.batch.Set(g.key, value[:], nil)
	g.partitionIDs[partition] = number
	g.fresh[number] = struct{}{}
	g.store.partitions.set(partition, number)
	return number
}

// rowHeader returns the header of a row: as this group leaves it so far, from the cache, or from
// the database.
func (g *group) rowHeader(number uint64, key driver.Key) (rowHeader, error) {
	if number == 0 {
		return rowHeader{}, nil
	}
	k := rowKey{number, key.Sort}
	if h, ok := g.rowHeaders[k]; ok {
		return h, nil
	}
	if _, ok := g.fresh[number]; ok {
		return rowHeader{}, nil
	}
	if h, ok := g.store.committer.headerCache.get(k); ok {
		return h, nil
	}
	g.key = appendRowKey(g.key[:0], number, key.Sort)
	return readRowHeader(g.store.db, g.key, key)
}

// deleteEmptied deletes the numbers of partitions that have no row left. If a partition cannot be
// read, it keeps its number, which does no harm.
func (g *group) deleteEmptied() {
	for number, partition := range g.emptied {
		if left, err := g.rowsLeft(number); left || err != nil {
			continue
		}
		g.key = appendPartitionKey(g.key[:0], partition)
		if g.batch.Delete(g.key, nil) == nil {
			g.partitionIDs[partition] = 0
		}
	}
}

// rowsLeft reports whether a partition has rows after this group.
func (g *group) rowsLeft(number uint64) (bool, error) {
	for k, h := range g.rowHeaders {
		if k.partitionID == number && h.present {
			return true, nil
		}
	}
	lower := appendRowKey(nil, number, "")
	iter, err := g.store.db.NewIter(&pebble.IterOptions{LowerBound: lower,
		UpperBound: appendRowKey(nil, number+1, "")})
	if err != nil {
		return false, err
	}
	defer iter.Close()
	for ok := iter.First(); ok; ok = iter.Next() {
		if _, gone := g.rowHeaders[rowKey{number, string(iter.Key()[len(lower):])}]; !gone {
			return true, nil
		}
	}
	return false, iter.Error()
}
