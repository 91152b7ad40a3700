package tablestore

import (
	"slices"
	"strings"
)

// rows holds rows sorted by key, in chunks, so that a write moves the rows of one chunk, not of the
// table.
type rows struct {
	chunks [][]*row // none is empty
}

const chunkRows = 512

// chunk returns the index of the chunk where the row of a key is, or would be; -1 if there are no
// rows.
func (r *rows) chunk(sort string) int {
	n, _ := slices.BinarySearchFunc(r.chunks, sort, func(c []*row, sort string) int {
		return strings.Compare(c[len(c)-1].key.sort, sort)
	})
	return min(n, len(r.chunks)-1)
}

func find(chunk []*row, sort string) (int, bool) {
	return slices.BinarySearchFunc(chunk, sort,
		func(r *row, sort string) int { return strings.Compare(r.key.sort, sort) })
}

// get returns the row of a key, or nil.
func (r *rows) get(sort string) *row {
	c := r.chunk(sort)
	if c < 0 {
		return nil
	}
	if i, ok := find(r.chunks[c], sort); ok {
		return r.chunks[c][i]
	}
	return nil
}

// put adds or replaces a row.
func (r *rows) put(one *row) {
	c := r.chunk(one.key.sort)
	if c < 0 {
		r.chunks = append(r.chunks, []*row{one})
		return
	}
	i, ok := find(r.chunks[c], one.key.sort)
	if ok {
		r.chunks[c][i] = one
		return
	}
	chunk := slices.Insert(r.chunks[c], i, one)
	r.chunks[c] = chunk
	if len(chunk) > chunkRows {
		half := len(chunk) / 2
		r.chunks[c] = chunk[:half:half]
		r.chunks = slices.Insert(r.chunks, c+1, slices.Clone(chunk[half:]))
	}
}

// remove removes a row.
func (r *rows) remove(sort string) {
	c := r.chunk(sort)
	if c < 0 {
		return
	}
	i, ok := find(r.chunks[c], sort)
	if !ok {
		return
	}
	r.chunks[c] = slices.Delete(r.chunks[c], i, i+1)
	if len(r.chunks[c]) == 0 {
		r.chunks = slices.Delete(r.chunks, c, c+1)
	}
}

// forward visits the rows in ascending order, from start on, until visit returns false.
func (r *rows) forward(start string, visit func(*row) bool) {
	c := r.chunk(start)
	if c < 0 {
		return
	}
	i, _ := find(r.chunks[c], start)
	for ; c < len(r.chunks); c, i = c+1, 0 {
		for ; i < len(r.chunks[c]); i++ {
			if !visit(r.chunks[c][i]) {
				return
			}
		}
	}
}

// backward visits the rows in descending order, from start on, until visit returns false.
func (r *rows) backward(start string, visit func(*row) bool) {
	c := r.chunk(start)
	if c < 0 {
		return
	}
	i, found := find(r.chunks[c], start)
	if !found {
		i--
	}
	for {
		for ; i >= 0; i-- {
			if !visit(r.chunks[c][i]) {
				return
			}
		}
		if c--; c < 0 {
			return
		}
		i = len(r.chunks[c]) - 1
	}
}

// all visits every row.
func (r *rows) all(visit func(*row)) {
	for _, c := range r.chunks {
		for _, row := range c {
			visit(row)
		}
	}
}
