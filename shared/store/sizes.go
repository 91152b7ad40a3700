package store

import (
	"cmp"

	"millrace/shared/flow"
)

// Sizes are how much stands in one row, and how much one read asks for. The zero value of a field
// means its default. Rows that were written with other sizes can be read: none of them is part of
// the row format. The simulation draws small ones, so that small executions have large values.
type Sizes struct {
	Inline int // largest value that stands in the event that made it, bytes; at most flow.EventInline
	Body   int // longest body that stands in the state row itself, bytes
	Part   int // longest part of a value, bytes; a value has at most 10,000 parts
	Rows   int // rows of a partition that one read asks for
	Inbox  int // letters that are read at once
	Scan   int // index entries that one page of a list reads
}

// withDefaults is the sizes with the default where there is none. A body of 64 KB and a part of 256 KB
// fit the rows of every store.
func (s Sizes) withDefaults() Sizes {
	s.Inline = min(cmp.Or(s.Inline, flow.EventInline), flow.EventInline)
	s.Body = cmp.Or(s.Body, 64<<10)
	s.Part = cmp.Or(s.Part, 256<<10)
	s.Rows = cmp.Or(s.Rows, 100)
	s.Inbox = cmp.Or(s.Inbox, 64)
	s.Scan = cmp.Or(s.Scan, 5000)
	return s
}

// valueRows is how many rows of values or of the history one read asks for, which may be long.
func (s *Sizes) valueRows() int { return min(s.Rows, 16) }
