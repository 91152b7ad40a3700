package store

import (
	"context"
	"errors"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// BulkOperation applies an operation to many executions of a flow
// (docs/protocol.md#bulk-operations). Times are in ms since 1970.
type BulkOperation struct {
	Account   string
	Flow      string // name
	FlowID    string
	Name      string // unique in the flow
	ID        string // UUID, new for each creation
	Operation string // of the API: "StopExecution"
	Names     []string
	Filter    ExecutionFilter // if there are no Names
	Rate      int             // executions a second
	Reason    string
	// Author is the public id of the key that created it; "" on an open server. It acts with this
	// key's rights.
	Author  string
	Created int64
	Ended   int64 // 0: not yet

	Phase BulkPhase
	// StopRequested: no execution is taken any more beside those in Batch.
	StopRequested bool
	// Done is how many Names have been taken, Before the place in the list of the last execution
	// that the filter has looked at.
	Done   int
	Before string
	// Batch are executions that were decided on, and may have been acted on. While there are some,
	// Wake is when another process may take them up.
	Batch  []BulkItem
	Counts BulkCounts // what has been acted on, or of the last pass over all results
	// Pass counts the results up to Seen, the name of an execution, in the phase BulkWaits.
	Pass BulkCounts
	Seen string

	Wake    int64 // never 0
	Version int64

	unknown []byte // fields of the row that only a newer program knows
}

// BulkPhase is what a bulk operation does. The numbers are part of the row format.
type BulkPhase uint8

const (
	BulkActs  BulkPhase = iota + 1 // on one batch of executions after another
	BulkWaits                      // for the ends of the executions that it has started
	BulkEnded                      // it is kept for its readers until Wake
)

// ExecutionFilter selects executions of a flow. An absent part selects all.
type ExecutionFilter struct {
	Status     flow.Status // 0: any
	NamePrefix string
	Qualifier  string
	Begin, End int64 // started at or after Begin and before End; 0: no bound
}

// Matches reports whether an entry of the list is selected. Children of MapRuns are not: their
// MapRun acts on them.
func (f *ExecutionFilter) Matches(s Summary) bool {
	return (f.Status == 0 || s.Status == f.Status) && strings.HasPrefix(s.Name, f.NamePrefix) &&
		(f.Qualifier == "" || s.Qualifier == f.Qualifier) && s.MapRun == ""
}

// BulkItem is an execution to act on: this life of this name.
type BulkItem struct {
	Name    string
	Run     uint64 // 0: there is none
	Redrive int
}

// BulkCounts count executions by their results. Accepted ones are those whose operation was
// accepted: they have ended with a status, or have not ended.
type BulkCounts struct {
	Accepted, Rejected                   int64
	Succeeded, Failed, TimedOut, Stopped int64
}

// Add counts a result.
func (c *BulkCounts) Add(r *BulkResult) {
	if r.Code != "" {
		c.Rejected++
		return
	}
	c.Accepted++
	switch r.Status {
	case flow.Succeeded:
		c.Succeeded++
	case flow.Failed:
		c.Failed++
	case flow.TimedOut:
		c.TimedOut++
	case flow.Stopped:
		c.Stopped++
	}
}

// Open returns how many accepted executions are not known to have ended.
func (c *BulkCounts) Open() int64 {
	return c.Accepted - c.Succeeded - c.Failed - c.TimedOut - c.Stopped
}

// BulkResult is what a bulk operation has done with one execution.
type BulkResult struct {
	Name    string
	Run     uint64
	Time    int64  // ms since 1970
	Code    string // of the error that rejected it; "": accepted
	Message string
	// Target is the execution that an accepted operation has started, "" if it is Name, and Status
	// how that has ended; 0: it is not known to have ended, or was deleted.
	Target  string
	Status  flow.Status
	Version int64

	unknown []byte
}

// Key returns the key of the row of a bulk operation.
func (b *BulkOperation) Key() driver.Key { return BulkKey(b.FlowID, b.Name) }

// GetBulk reads a bulk operation, strongly consistent. It returns ErrNotFound if there is none.
func (s *Store) GetBulk(ctx context.Context, k driver.Key) (*BulkOperation, error) {
	row, err := s.driver.Get(ctx, k)
	if err != nil {
		return nil, err
	}
	return decodeBulk(row)
}

// CreateBulk writes a new bulk operation. It returns ErrConflict if the name is taken in the flow.
func (s *Store) CreateBulk(ctx context.Context, b *BulkOperation) error {
	if err := s.diskUse.admit(b.Account); err != nil {
		return err
	}
	b.Version = 1
	return s.driver.Commit(ctx, nil, b.row(), driver.Condition{Absent: true, Now: s.nowMillis()})
}

// UpdateBulk writes a bulk operation that was read. It returns ErrConflict if the operation has
// changed since. After an error, b has its version again.
func (s *Store) UpdateBulk(ctx context.Context, b *BulkOperation) error {
	cond := driver.Condition{Version: b.Version, Fence: b.ID}
	b.Version++
	err := s.driver.Commit(ctx, nil, b.row(), cond)
	if err != nil {
		b.Version = cond.Version
	}
	return err
}

// DeleteBulk removes a bulk operation and its results, the operation last.
func (s *Store) DeleteBulk(ctx context.Context, b *BulkOperation) error {
	for {
		results, more, err := s.BulkResults(ctx, b.Key(), "", s.sizes.Rows)
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := s.driver.Delete(ctx, bulkResultKey(b.Key(), r.Name), nil); err != nil {
				return err
			}
		}
		if !more {
			return s.driver.Delete(ctx, b.Key(),
				&driver.Condition{Version: b.Version, Fence: b.ID})
		}
	}
}

// ListBulks reads at most limit bulk operations of a flow, those with the last names first,
// beginning before the given name. more reports that others are left. The list may lag behind.
func (s *Store) ListBulks(
	ctx context.Context, flowID, before string, limit int,
) (list []*BulkOperation, more bool, err error) {
	to := before
	for more = true; more && len(list) <= limit; {
		var entries []driver.Listed
		entries, more, err = s.driver.List(ctx, driver.ListRange{Group: bulkGroup(flowID), To: to,
			Limit: limit + 1 - len(list), Reverse: true})
		if err != nil {
			return nil, false, err
		}
		for _, entry := range entries {
			to = entry.Sort
			b, err := s.GetBulk(ctx, entry.Key)
			if errors.Is(err, ErrNotFound) {
				continue
			} else if err != nil {
				return nil, false, err
			}
			list = append(list, b)
		}
	}
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}

// BulkResults reads at most limit results of a bulk operation by name, strongly consistent,
// beginning after the given name. more reports that others are left.
func (s *Store) BulkResults(
	ctx context.Context, bulk driver.Key, after string, limit int,
) (list []*BulkResult, more bool, err error) {
	from := prefixBulkResult
	if after != "" {
		from += after + "\x00"
	}
	for more = true; more && len(list) <= limit; {
		var rows []driver.Row
		rows, more, err = s.driver.Range(ctx, driver.Range{Partition: bulk.Partition, From: from,
			To: afterBulkResults, Limit: limit + 1 - len(list)})
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			r, err := decodeBulkResult(row)
			if err != nil {
				return nil, false, err
			}
			list = append(list, r)
			from = row.Sort + "\x00"
		}
	}
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}

// GetBulkResult reads the result of an execution. It returns ErrNotFound if there is none.
func (s *Store) GetBulkResult(
	ctx context.Context, bulk driver.Key, name string,
) (*BulkResult, error) {
	row, err := s.driver.Get(ctx, bulkResultKey(bulk, name))
	if err != nil {
		return nil, err
	}
	return decodeBulkResult(row)
}

// PutBulkResult writes a result that was read, or a new one with Version 0. It returns ErrConflict
// if another process has written it since.
func (s *Store) PutBulkResult(ctx context.Context, bulk driver.Key, r *BulkResult) error {
	cond := driver.Condition{Version: r.Version, Fence: bulkResultFence}
	if r.Version == 0 {
		cond = driver.Condition{Absent: true, Now: s.nowMillis()}
	}
	r.Version++
	return s.driver.Commit(ctx, nil, r.row(bulk), cond)
}
