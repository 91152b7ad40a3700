package store

import (
	"cmp"

	"millrace/shared/flow"
)

// Sizes are how much one row holds, and how much one read asks for. The zero value of a field means
// its default. Sizes are not part of the row format: a store can read rows that were written with
// other sizes. The simulation draws small ones, so that small executions have large values.
type Sizes struct {
	Inline int // largest value inside its event, bytes; at most flow.EventInline
	Body   int // longest body inside the state row, bytes
	Part   int // longest part of a value, bytes; a value has at most 10,000 parts
	Rows   int // rows of a partition that one read asks for
	Inbox  int // inbox entries that one transaction takes
	Scan   int // index entries that one page of a list reads
}

// withDefaults replaces zero fields with their defaults. A body of 64 KB and a part of 256 KB fit
// the rows of every store.
func (s Sizes) withDefaults() Sizes {
	s.Inline = min(cmp.Or(s.Inline, flow.EventInline), flow.EventInline)
	s.Body = cmp.Or(s.Body, 64<<10)
	s.Part = cmp.Or(s.Part, 256<<10)
	s.Rows = cmp.Or(s.Rows, 100)
	s.Inbox = cmp.Or(s.Inbox, 64)
	s.Scan = cmp.Or(s.Scan, 5000)
	return s
}

// valueRows is how many rows of values or history, which may be long, one read asks for.
func (s *Sizes) valueRows() int { return min(s.Rows, 16) }
