package store

import (
	"context"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Summary is an execution as the list index shows it. It may lag behind the state row.
type Summary struct {
	Partition string
	Name      string
	Sort      string // position in the list: see ListOptions.Before
	Status    flow.Status
	Stopped   int64 // ms since 1970; 0 while it runs
	Started   int64 // ms since 1970
	Qualifier string
	MapRun    string
}

// Fields of an execution in the list index.
const (
	listedStatus    = 1
	listedStopped   = 2
	listedStarted   = 3
	listedQualifier = 4
	listedMapRun    = 5
)

func (x *Execution) listFields() []byte {
	w := flow.FieldWriter{Buf: make([]byte, 0, 32)}
	w.Uint(listedStatus, uint64(x.Status))
	w.Uint(listedStopped, uint64(x.Stopped))
	w.Uint(listedStarted, uint64(x.Started))
	w.String(listedQualifier, x.Qualifier)
	w.String(listedMapRun, x.MapRun)
	w.Unknown(x.unknownListed)
	return w.Buf
}

func decodeSummary(l driver.Listed) (Summary, error) {
	_, name, _ := strings.Cut(l.Sort, "#")
	s := Summary{Partition: l.Key.Partition, Name: name, Sort: l.Sort}
	r := flow.ReadFields(l.Fields)
	for r.Next() {
		switch r.Field {
		case listedStatus:
			s.Status = flow.Status(r.Small(uint64(flow.TimedOut)))
		case listedStopped:
			s.Stopped = int64(r.Uint())
		case listedStarted:
			s.Started = int64(r.Uint())
		case listedQualifier:
			s.Qualifier = r.String()
		case listedMapRun:
			s.MapRun = r.String()
		}
	}
	return s, r.Err
}

// unknownListed returns the fields of an entry in the list that only a newer program knows.
func unknownListed(fields []byte) (unknown []byte) {
	r := flow.ReadFields(fields)
	for r.Next() {
		if r.Field > listedMapRun {
			r.Keep(&unknown)
		}
	}
	return unknown
}

// ListOptions selects executions of one flow, newest first.
type ListOptions struct {
	FlowID string
	Shards int    // ListShards of the flow, as read for this page; 0: 1
	Before string // Sort of the last execution of the previous page; "" for the first page
	Begin  int64  // started at or after, ms since 1970; 0: no bound
	End    int64  // started before; 0: no bound
	Limit  int
	Match  func(Summary) bool // nil: all
}

// List reads one page: at most l.Limit executions. next is where the next page begins; "" at the
// end. A page reads at most Sizes.Scan index entries, so it may be short although more executions
// are left.
func (s *Store) List(ctx context.Context, l ListOptions) (page []Summary, next string, err error) {
	m, err := s.newMerge(ctx, l)
	if err != nil {
		return nil, "", err
	}
	for scanned := 0; ; scanned++ {
		sum, ok, err := m.next(ctx)
		if err != nil || !ok {
			return page, "", err
		}
		if l.Match == nil || l.Match(sum) {
			page = append(page, sum)
		}
		if len(page) == l.Limit || scanned == s.sizes.Scan {
			if m.empty() {
				return page, "", nil
			}
			return page, sum.Sort, nil
		}
	}
}

// merge reads the list groups of a flow as one list, newest first.
type merge struct {
	store *Store
	lists []driver.ListRange
	heads [][]driver.Listed
	more  []bool
}

func (s *Store) newMerge(ctx context.Context, l ListOptions) (*merge, error) {
	n := max(l.Shards, 1)
	m := &merge{store: s, lists: make([]driver.ListRange, n), heads: make([][]driver.Listed, n),
		more: make([]bool, n)}
	from, to := "", ""
	if l.Begin > 0 {
		from = listSort(l.Begin, "")
	}
	if l.End > 0 {
		to = listSort(l.End, "")
	}
	if l.Before != "" && (to == "" || l.Before < to) {
		to = l.Before
	}
	for i := range m.lists {
		m.lists[i] = driver.ListRange{Group: shardGroup(l.FlowID, i), From: from, To: to,
			Limit: min(max(l.Limit, 1), 200), Reverse: true}
		m.more[i] = true
		if err := m.fill(ctx, i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *merge) fill(ctx context.Context, i int) error {
	if len(m.heads[i]) > 0 || !m.more[i] {
		return nil
	}
	got, more, err := m.store.driver.List(ctx, m.lists[i])
	if err != nil {
		return err
	}
	m.heads[i], m.more[i] = got, more
	if len(got) > 0 {
		m.lists[i].To = got[len(got)-1].Sort
	}
	return nil
}

func (m *merge) next(ctx context.Context) (Summary, bool, error) {
	best := -1
	for i := range m.heads {
		if len(m.heads[i]) > 0 && (best < 0 || m.heads[i][0].Sort > m.heads[best][0].Sort) {
			best = i
		}
	}
	if best < 0 {
		return Summary{}, false, nil
	}
	sum, err := decodeSummary(m.heads[best][0])
	m.heads[best] = m.heads[best][1:]
	if err == nil {
		err = m.fill(ctx, best)
	}
	return sum, true, err
}

func (m *merge) empty() bool {
	for i := range m.heads {
		if len(m.heads[i]) > 0 || m.more[i] {
			return false
		}
	}
	return true
}
