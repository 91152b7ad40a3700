package memstore

import (
	"cmp"
	"slices"
	"strings"

	"millrace/shared/store/driver"
)

type entry[K, V any] struct {
	key   K
	value V
}

// index holds values ordered by their keys.
type index[K, V any] struct {
	compare func(a, b K) int
	entries []entry[K, V]
}

func (x *index[K, V]) len() int { return len(x.entries) }

func (x *index[K, V]) find(key K) (int, bool) {
	return slices.BinarySearchFunc(x.entries, key,
		func(e entry[K, V], k K) int { return x.compare(e.key, k) })
}

// lowerBound returns the position of the first entry that is not before key.
func (x *index[K, V]) lowerBound(key K) int {
	i, _ := x.find(key)
	return i
}

func (x *index[K, V]) get(key K) (value V, ok bool) {
	i, ok := x.find(key)
	if !ok {
		return value, false
	}
	return x.entries[i].value, true
}

func (x *index[K, V]) set(key K, value V) {
	i, ok := x.find(key)
	if ok {
		x.entries[i] = entry[K, V]{key, value}
		return
	}
	x.entries = slices.Insert(x.entries, i, entry[K, V]{key, value})
}

func (x *index[K, V]) remove(key K) {
	if i, ok := x.find(key); ok {
		x.entries = slices.Delete(x.entries, i, i+1)
	}
}

// page returns at most limit (0: all) of the entries at positions lo to hi-1, from the end if
// reverse is set, and whether any are left.
func (x *index[K, V]) page(lo, hi, limit int, reverse bool) (page []entry[K, V], more bool) {
	if lo >= hi {
		return nil, false
	}
	page = x.entries[lo:hi]
	if limit > 0 && len(page) > limit {
		more = true
		if reverse {
			page = page[len(page)-limit:]
		} else {
			page = page[:limit]
		}
	}
	if reverse {
		page = slices.Clone(page)
		slices.Reverse(page)
	}
	return page, more
}

type listKey struct {
	sort string
	key  driver.Key
}

type wakeKey struct {
	wake int64
	key  driver.Key
}

func compareKeys(a, b driver.Key) int {
	return cmp.Or(strings.Compare(a.Partition, b.Partition), strings.Compare(a.Sort, b.Sort))
}

func compareListKeys(a, b listKey) int {
	return cmp.Or(strings.Compare(a.sort, b.sort), compareKeys(a.key, b.key))
}

func compareWakeKeys(a, b wakeKey) int {
	return cmp.Or(cmp.Compare(a.wake, b.wake), compareKeys(a.key, b.key))
}
