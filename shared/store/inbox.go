package store

import (
	"context"
	"fmt"
	"math"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// InboxEntry is a message in the inbox of an execution (docs/protocol.md#inbox): a report that lost
// too many races for the state row, or a stop. It decides nothing. The engine that runs the
// execution steps with it, or finds that it comes too late, and deletes it.
type InboxEntry struct {
	Partition string
	Run       uint64 // incarnation of the name that the entry is for
	Token     int64  // of a report: the id in its token; 0: a stop
	Attempt   int64  // of a report whose token does not name its attempt: that one; 0 otherwise
	Redrive   int    // of a stop: the redrives of the execution by the time it was sent
	Mark      uint64 // set by the writer
	Output    []byte // canonical JSON; of a report without Error
	Error     *flow.Error
	Wake      int64 // ms since 1970: when the sweeper checks whether it has been processed
	Expires   int64 // ms since 1970; from then on it is absent

	version int64
	unknown []byte // fields that only a newer program knows
}

// inboxEntryFmt is the format of the inbox entries that this code writes. A row of another format
// is not changed. See executionFmt for what to do when it changes.
const inboxEntryFmt = 1

// SweepAttempts returns how often the sweeper has found the entry due.
func (e *InboxEntry) SweepAttempts() int { return int(max(e.version-1, 0)) }

// Key returns the key of the entry's row.
func (e *InboxEntry) Key() driver.Key {
	return rowKey(e.Partition, inboxEntrySort(e.Run, e.Token, e.Redrive))
}

// Fields of an inbox entry.
const (
	inboxRun     = 1
	inboxToken   = 2
	inboxMark    = 3
	inboxError   = 4 // and 5
	inboxOutput  = 6
	inboxAttempt = 7
	inboxRedrive = 8
)

// row encodes the entry. The fields that the sweeper changes are outside the data.
func (e *InboxEntry) row(version int64) driver.Row {
	w := flow.FieldWriter{Buf: make([]byte, 0, len(e.Output)+48)}
	start := w.BeginRow(inboxEntryFmt)
	w.Fixed(inboxRun, e.Run)
	w.Uint(inboxToken, uint64(e.Token))
	w.Fixed(inboxMark, e.Mark)
	w.Error(inboxError, e.Error)
	w.Bytes(inboxOutput, e.Output)
	w.Uint(inboxAttempt, uint64(e.Attempt))
	w.Uint(inboxRedrive, uint64(e.Redrive))
	w.Unknown(e.unknown)
	w.End(start)
	return driver.Row{Key: e.Key(), Version: version, Fence: e.fence(), Data: w.Buf, Wake: e.Wake,
		Expires: e.Expires}
}

func (e *InboxEntry) fence() string { return fence(e.Mark, 0) }

func decodeInboxEntry(row driver.Row) (*InboxEntry, error) {
	format, r := flow.ReadRow(row.Data)
	if format != inboxEntryFmt {
		return nil, ErrFormat
	}
	e := &InboxEntry{Partition: row.Partition, Wake: row.Wake, Expires: row.Expires,
		version: row.Version}
	for r.Next() {
		switch r.Field {
		case inboxRun:
			e.Run = r.Fixed()
		case inboxToken:
			e.Token = int64(r.Small(math.MaxInt64))
		case inboxMark:
			e.Mark = r.Fixed()
		case inboxError:
			r.ErrorName(&e.Error)
		case inboxError + 1:
			r.ErrorCause(&e.Error)
		case inboxOutput:
			e.Output = r.Bytes()
		case inboxAttempt:
			e.Attempt = int64(r.Uint())
		case inboxRedrive:
			e.Redrive = int(r.Small(math.MaxInt32))
		default:
			r.Keep(&e.unknown)
		}
	}
	if r.Err != nil || inboxEntrySort(e.Run, e.Token, e.Redrive) != row.Sort {
		return nil, fmt.Errorf("store: inbox row %s %s: %w", row.Partition, row.Sort,
			flow.ErrCorrupt)
	}
	return e, nil
}

// EnqueueInboxEntry writes an entry into the inbox of its execution. ErrConflict: the inbox has an
// entry for the same attempt. Any other error: the outcome is unknown.
func (s *Store) EnqueueInboxEntry(ctx context.Context, e *InboxEntry) error {
	e.version = 1
	return s.driver.Commit(ctx, nil, e.row(1), driver.Condition{Absent: true, Now: s.nowMillis()})
}

// InboxEntry reads the entry with a key. It returns ErrNotFound if there is none or it has expired.
func (s *Store) InboxEntry(ctx context.Context, key driver.Key) (*InboxEntry, error) {
	row, err := s.driver.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if row.Expires > 0 && row.Expires <= s.nowMillis() {
		return nil, ErrNotFound
	}
	return decodeInboxEntry(row)
}

// RescheduleInboxEntry changes an entry's wake time and counts one more sweep attempt. It returns
// ErrConflict if another writer has changed or deleted the entry.
func (s *Store) RescheduleInboxEntry(ctx context.Context, e *InboxEntry, wake int64) error {
	next := *e
	next.Wake = wake
	return s.driver.Commit(ctx, nil, next.row(e.version+1),
		driver.Condition{Version: e.version, Fence: e.fence()})
}

// RetractInboxEntry removes an entry of the caller. It returns ErrConflict if the entry is not
// there as it was enqueued.
func (s *Store) RetractInboxEntry(ctx context.Context, e *InboxEntry) error {
	return s.driver.Delete(ctx, e.Key(), &driver.Condition{Version: e.version, Fence: e.fence()})
}

// DeleteInboxEntry removes an entry that has been processed. A missing entry is no error.
func (s *Store) DeleteInboxEntry(ctx context.Context, key driver.Key) error {
	return s.driver.Delete(ctx, key, nil)
}

// Inbox is what the inbox of an execution holds.
type Inbox struct {
	Entries []*InboxEntry
	// Stale are the keys of rows that nothing needs any more: of another run, expired, or a stop of
	// an earlier life.
	Stale []driver.Key
	More  bool // the inbox holds more than one transaction takes
}

// Inbox reads the inbox of an execution. It omits rows that this program cannot read.
func (s *Store) Inbox(ctx context.Context, x *Execution) (Inbox, error) {
	var in Inbox
	return in, s.readInbox(ctx, x, &in, prefixInbox)
}

// LoadWithInbox reads an execution as Load does, and its inbox. If the inbox is empty, this is one
// read.
func (s *Store) LoadWithInbox(ctx context.Context, partition string) (*Execution, Inbox, error) {
	rows, more, err := s.driver.Range(ctx, driver.Range{Partition: partition, From: sortState,
		To: sortAfterInbox, Limit: s.sizes.Inbox + 1})
	if err != nil {
		return nil, Inbox{}, err
	}
	if len(rows) == 0 || rows[0].Sort != sortState {
		return nil, Inbox{}, ErrNotFound
	}
	x, err := s.execution(ctx, rows[0])
	if err != nil {
		return nil, Inbox{}, err
	}
	var in Inbox
	s.classifyInboxRows(x, &in, rows[1:])
	if more {
		err = s.readInbox(ctx, x, &in, rows[len(rows)-1].Sort+"\x00")
	}
	return x, in, err
}

// readInbox reads the rows of the inbox from a sort key on, until Sizes.Inbox rows are in.
func (s *Store) readInbox(ctx context.Context, x *Execution, in *Inbox, from string) error {
	for {
		left := s.sizes.Inbox - len(in.Entries) - len(in.Stale)
		if left <= 0 {
			in.More = true
			return nil
		}
		rows, more, err := s.driver.Range(ctx,
			driver.Range{Partition: x.Partition(), From: from, To: sortAfterInbox, Limit: left})
		if err != nil {
			return err
		}
		s.classifyInboxRows(x, in, rows)
		if !more {
			return nil
		}
		from = rows[len(rows)-1].Sort + "\x00"
	}
}

// classifyInboxRows separates entries for this execution from stale rows.
func (s *Store) classifyInboxRows(x *Execution, in *Inbox, rows []driver.Row) {
	for _, row := range rows {
		e, err := decodeInboxEntry(row)
		switch {
		case row.Expires > 0 && row.Expires <= s.nowMillis() || err == nil && !e.IsFor(x):
			in.Stale = append(in.Stale, row.Key)
		case err == nil:
			in.Entries = append(in.Entries, e)
		}
	}
}

// IsFor reports whether an entry is for this life of an execution. A report names an attempt, which
// belongs to one life.
func (e *InboxEntry) IsFor(x *Execution) bool {
	return e.Run == x.Run && (e.Token != 0 || e.Redrive == x.Redrive)
}

// IsInboxEntry reports whether a key is that of an inbox entry.
func IsInboxEntry(k driver.Key) bool {
	return strings.HasPrefix(k.Partition, "x#") && strings.HasPrefix(k.Sort, prefixInbox)
}
