package store

import (
	"context"
	"fmt"
	"strings"

	"millrace/shared/flow"
)

// InboxEntry is one piece of news in the inbox of an execution (execution.md 1.6): a report that has lost the race for the
// state row, or a stop. It decides nothing; whoever runs the execution folds it, or finds that it comes too late, and
// drops it.
type InboxEntry struct {
	Partition string
	Run       uint64 // incarnation of the name that it is for
	Token     int64  // of a report: the id in its token; 0: a stop
	Attempt   int64  // of a report whose token does not tell: the attempt that it is for; 0 otherwise
	Mark      uint64 // the writer's
	Output    []byte // canonical JSON; of a report without Error
	Error     *flow.Error
	Wake      int64 // ms since 1970: when the sweeper looks whether anybody has seen to it
	Expires   int64 // ms since 1970; from then on it is absent

	version int64
}

// letterFmt is the format of letters that this code writes. Rows of another format are left alone.
// What to do when it changes is said at executionFmt.
const letterFmt = 1

// SweepAttempts is how often the sweeper has found it due.
func (l *InboxEntry) SweepAttempts() int { return int(max(l.version-1, 0)) }

// Key is the key of the letter's row.
func (l *InboxEntry) Key() Key { return Key{l.Partition, inboxEntrySort(l.Run, l.Token)} }

// row encodes the letter. What the sweeper changes stands beside the data.
func (l *InboxEntry) row(version int64) Row {
	e := flow.Encoder{Buf: make([]byte, 0, len(l.Output)+32)}
	e.Uint(letterFmt)
	e.Uint(l.Run)
	e.Int(l.Token)
	e.Uint(l.Mark)
	e.Error(l.Error)
	e.Bytes(l.Output)
	e.Int(l.Attempt)
	return Row{Key: l.Key(), Version: version, Fence: l.fence(), Data: e.Buf, Wake: l.Wake, Expires: l.Expires}
}

func (l *InboxEntry) fence() string { return fence(l.Mark, 0) }

func decodeInboxEntry(row Row) (*InboxEntry, error) {
	d := flow.NewDecoder(row.Data)
	if d.Uint() != letterFmt {
		return nil, ErrFormat
	}
	l := &InboxEntry{Partition: row.Partition, Run: d.Uint(), Token: d.Int(), Mark: d.Uint(), Error: d.Error(), Wake: row.Wake,
		Expires: row.Expires, version: row.Version}
	if out := d.Bytes(); len(out) > 0 {
		l.Output = out
	}
	l.Attempt = d.Int()
	if d.Err != nil || l.Token < 0 || inboxEntrySort(l.Run, l.Token) != row.Sort {
		return nil, fmt.Errorf("store: inbox row %s %s: %w", row.Partition, row.Sort, flow.ErrCorrupt)
	}
	return l, nil
}

// EnqueueInboxEntry puts a letter into the inbox of its execution. ErrConflict when there is one for the same attempt; another
// error: it may be there or not.
func (s *Store) EnqueueInboxEntry(ctx context.Context, l *InboxEntry) error {
	l.version = 1
	return s.driver.Commit(ctx, nil, l.row(1), Condition{Absent: true, Now: s.nowMillis()})
}

// InboxEntry reads the letter of a key. ErrNotFound when there is none or it has expired.
func (s *Store) InboxEntry(ctx context.Context, key Key) (*InboxEntry, error) {
	row, err := s.driver.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if row.Expires > 0 && row.Expires <= s.nowMillis() {
		return nil, ErrNotFound
	}
	return decodeInboxEntry(row)
}

// RescheduleInboxEntry moves a letter's wake time and counts one more try. ErrConflict when somebody else has changed or dropped it.
func (s *Store) RescheduleInboxEntry(ctx context.Context, l *InboxEntry, wake int64) error {
	next := *l
	next.Wake = wake
	return s.driver.Commit(ctx, nil, next.row(l.version+1), Condition{Version: l.version, Fence: l.fence()})
}

// RetractInboxEntry removes a letter of the caller's. ErrConflict when it is not there as it was posted.
func (s *Store) RetractInboxEntry(ctx context.Context, l *InboxEntry) error {
	return s.driver.Delete(ctx, l.Key(), &Condition{Version: l.version, Fence: l.fence()})
}

// DeleteInboxEntry removes a letter that has been seen to. One that is missing is fine.
func (s *Store) DeleteInboxEntry(ctx context.Context, key Key) error {
	return s.driver.Delete(ctx, key, nil)
}

// Inbox is what the inbox of an execution holds.
type Inbox struct {
	Entries []*InboxEntry
	// Stale are keys of rows that are for nobody: of another run, or expired.
	Stale []Key
	More  bool // there are more than a fold takes at once
}

// Inbox reads the inbox of an execution. Rows that this program cannot read are left out.
func (s *Store) Inbox(ctx context.Context, x *Execution) (Inbox, error) {
	var in Inbox
	return in, s.readInbox(ctx, x, &in, prefixInbox)
}

// LoadWithInbox reads an execution as Load does, with its inbox, by one read as long as that is empty.
func (s *Store) LoadWithInbox(ctx context.Context, partition string) (*Execution, Inbox, error) {
	rows, more, err := s.driver.Range(ctx, Range{Partition: partition, From: sortState, To: sortAfterInbox, Limit: s.sizes.Inbox + 1})
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

// readInbox reads the rows of the inbox from a sort key on, until there are enough.
func (s *Store) readInbox(ctx context.Context, x *Execution, in *Inbox, from string) error {
	for {
		room := s.sizes.Inbox - len(in.Entries) - len(in.Stale)
		if room <= 0 {
			in.More = true
			return nil
		}
		rows, more, err := s.driver.Range(ctx, Range{Partition: x.Partition(), From: from, To: sortAfterInbox, Limit: room})
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

// classifyInboxRows tells letters for the execution from what is for nobody.
func (s *Store) classifyInboxRows(x *Execution, in *Inbox, rows []Row) {
	for _, row := range rows {
		l, err := decodeInboxEntry(row)
		switch {
		case row.Expires > 0 && row.Expires <= s.nowMillis() || err == nil && l.Run != x.Run:
			in.Stale = append(in.Stale, row.Key)
		case err == nil:
			in.Entries = append(in.Entries, l)
		}
	}
}

// IsInboxEntry tells whether a key is that of a row of an inbox.
func IsInboxEntry(k Key) bool {
	return strings.HasPrefix(k.Partition, "x#") && strings.HasPrefix(k.Sort, prefixInbox)
}
