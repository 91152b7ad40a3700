package store

import (
	"context"
	"strings"
	"sync"

	"millrace/shared/store/driver"
)

// ListOptions selects executions of one flow, or of several, newest first; of equal times, by name
// and then by flow.
type ListOptions struct {
	FlowID string
	Shards int        // ListShards of the flow, as read for this page; 0: 1
	Flows  []ListedOf // more flows

	// Before is where the page begins: next of the previous page, or the Sort of its last execution
	// if one flow is listed; "" for the first page.
	Before string
	Begin  int64 // started at or after, ms since 1970; 0: no bound
	End    int64 // started before; 0: no bound
	Limit  int
	Match  func(Summary) bool // nil: all
}

// ListedOf is a flow whose executions are listed.
type ListedOf struct {
	FlowID string
	Shards int
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
			return page, l.Position(&sum), nil
		}
	}
}

// positionCut separates the Sort of an execution from the id of its flow, if several are listed.
const positionCut = "\x00"

// Position returns where the page begins that follows an execution.
func (l *ListOptions) Position(s *Summary) string {
	if len(l.Flows) == 0 {
		return s.Sort
	}
	id, _, _ := ParsePartition(s.Partition)
	return s.Sort + positionCut + id
}

// listReads is how many lists are read at the same time when a page begins.
const listReads = 8

// merge reads list groups as one list, newest first.
type merge struct {
	store *Store
	flows []string // of the lists, by id
	lists []driver.ListRange
	heads [][]driver.Listed
	more  []bool
}

func (s *Store) newMerge(ctx context.Context, l ListOptions) (*merge, error) {
	m := &merge{store: s}
	if l.FlowID != "" {
		m.add(&l, ListedOf{l.FlowID, l.Shards})
	}
	for _, f := range l.Flows {
		m.add(&l, f)
	}
	m.heads, m.more = make([][]driver.Listed, len(m.lists)), make([]bool, len(m.lists))
	errs := make([]error, len(m.lists))
	var reads sync.WaitGroup
	turns := make(chan struct{}, listReads)
	for i := range m.lists {
		m.more[i] = true
		if len(l.Flows) == 0 {
			errs[i] = m.fill(ctx, i)
			continue
		}
		turns <- struct{}{}
		reads.Go(func() {
			errs[i] = m.fill(ctx, i)
			<-turns
		})
	}
	reads.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add adds the list groups of a flow. An execution of another flow may have the same place in its
// list as the last one of the page before.
func (m *merge) add(l *ListOptions, f ListedOf) {
	from, to := "", ""
	before, flowID, several := strings.Cut(l.Before, positionCut)
	if l.Begin > 0 {
		from = listSort(l.Begin, "")
	}
	if l.End > 0 {
		to = listSort(l.End, "")
	}
	if several && f.FlowID > flowID {
		before += "\x00"
	}
	if before != "" && (to == "" || before < to) {
		to = before
	}
	limit := min(max(l.Limit, 1), listPage)
	if l.Match != nil && len(l.Flows) == 0 {
		limit = listPage // many may not match
	}
	for i := range max(f.Shards, 1) {
		m.flows = append(m.flows, f.FlowID)
		m.lists = append(m.lists, driver.ListRange{Group: shardGroup(f.FlowID, i), From: from,
			To: to, Limit: limit, Reverse: true})
	}
}

// listPage is how many entries one read of a list asks for at most.
const listPage = 200

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
		if len(m.heads[i]) > 0 && (best < 0 || m.isNewer(i, best)) {
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

// isNewer reports whether the first entry of list i comes before that of list j.
func (m *merge) isNewer(i, j int) bool {
	a, b := m.heads[i][0].Sort, m.heads[j][0].Sort
	return a > b || a == b && m.flows[i] < m.flows[j]
}

func (m *merge) empty() bool {
	for i := range m.heads {
		if len(m.heads[i]) > 0 || m.more[i] {
			return false
		}
	}
	return true
}
