package store

import (
	"context"
	"strings"

	"millrace/shared/flow"
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

func (x *Execution) listFields() []byte {
	e := flow.Encoder{Buf: make([]byte, 0, 32)}
	e.Byte(byte(x.Status))
	e.Int(x.Stopped)
	e.Int(x.Started)
	e.String(x.Qualifier)
	e.String(x.MapRun)
	return e.Buf
}

func decodeSummary(l Listed) (Summary, error) {
	d := flow.NewDecoder(l.Fields)
	_, name, _ := strings.Cut(l.Sort, "#")
	s := Summary{Partition: l.Key.Partition, Name: name, Sort: l.Sort,
		Status: flow.Status(d.Byte()), Stopped: d.Int(), Started: d.Int(),
		Qualifier: d.String(), MapRun: d.String()}
	return s, d.Err
}

// ListOptions selects executions of one flow, newest first.
type ListOptions struct {
	FlowID string
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
	lists [listShards]ListRange
	heads [listShards][]Listed
	more  [listShards]bool
}

func (s *Store) newMerge(ctx context.Context, l ListOptions) (*merge, error) {
	m := &merge{store: s}
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
		m.lists[i] = ListRange{Group: shardGroup(l.FlowID, i), From: from, To: to,
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
