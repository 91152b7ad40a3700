package driver

import (
	"errors"
	"sync"
)

// BatchLimits are the limits of one request to a service, and how many requests of one commit may
// be under way.
type BatchLimits struct {
	Rows        int
	Bytes       int
	Concurrency int
}

// PutBatches splits entries, which are encoded rows, into batches and calls put for each, several
// at once. It tries all batches even if one fails. An entry that is larger than a batch gets a
// batch of its own.
func PutBatches[E any](entries []E, size func(E) int, l BatchLimits, put func([]E) error) error {
	batches := l.split(len(entries), func(i int) int { return size(entries[i]) })
	if len(batches) == 1 {
		return put(entries)
	}
	var done sync.WaitGroup
	slots := make(chan struct{}, l.Concurrency)
	errs := make([]error, len(batches))
	from := 0
	for i, n := range batches {
		batch := entries[from : from+n]
		from += n
		slots <- struct{}{}
		done.Go(func() {
			errs[i] = put(batch)
			<-slots
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// split returns the lengths of the batches of n entries.
func (l BatchLimits) split(n int, size func(int) int) (lengths []int) {
	length, bytes := 0, 0
	for i := range n {
		k := size(i)
		if length == l.Rows || length > 0 && bytes+k > l.Bytes {
			lengths = append(lengths, length)
			length, bytes = 0, 0
		}
		length++
		bytes += k
	}
	if length > 0 {
		lengths = append(lengths, length)
	}
	return lengths
}

// DedupeRows keeps, of rows with the same key, the last one, at the place of the first.
func DedupeRows(rows []Row) []Row {
	latest := make([]Row, 0, len(rows))
	at := make(map[Key]int, len(rows))
	for _, row := range rows {
		if i, ok := at[row.Key]; ok {
			latest[i] = row
			continue
		}
		at[row.Key] = len(latest)
		latest = append(latest, row)
	}
	return latest
}
