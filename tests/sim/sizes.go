package sim

import (
	"fmt"
	"slices"

	"millrace/shared/store"
)

// sizes are the sizes of a run: of rows, pages and blocks. Most runs have the production sizes. In
// every fourth run each size is drawn, mostly so small that executions of about ten events have
// paged histories, values in rows of their own, such rows in parts, Maps in blocks, and bodies that
// do not fit into the state row.
type sizes struct {
	store  store.Sizes
	block  int // iterations whose results share a row; 0: as in production
	events int // of a transaction; 0: as in production
	page   int // bytes of a page of a list or a history; 0: as in production
}

func (w *World) drawSizes() {
	if w.number("sizes")%4 > 0 || slices.Contains(w.without, withoutSizes) {
		return
	}
	draw := func(what string, of ...int) int {
		return of[w.number("size of "+what)%uint64(len(of))]
	}
	w.sizes = sizes{
		store: store.Sizes{
			Inline: draw("a value in its event", 0, 1, 20, 200),
			Body:   draw("a body", 0, 1, 200, 1000),
			Part:   draw("a part", 0, 256, 300, 1000),
			Rows:   draw("a read", 0, 1, 2, 5),
			Inbox:  draw("an inbox", 0, 1, 2),
			Scan:   draw("a scan", 0, 1, 2),
		},
		block:  draw("a block", 0, 1, 2, 3),
		events: draw("a fold", 0, 3, 20),
		page:   draw("a page", 0, 100, 500, 3000),
	}
	w.limits.Events = min(w.limits.Events, 500)
	w.kinds["run of small sizes"]++
}

func (s *sizes) String() string {
	return fmt.Sprintf("%+v, blocks of %d, steps of %d events, pages of %d bytes", s.store,
		s.block, s.events,
		s.page)
}
