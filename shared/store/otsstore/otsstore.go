// Package otsstore is a driver over one TableStore table and its two global indexes. Only
// PutRow and DeleteRow with a condition decide anything. The indexes are read for listing and for
// waking, never for a decision.
//
// The table (see Schema) has the primary key columns p and s, both strings. TableStore splits a
// table by ranges of p, so p is the partition after two hexadecimal digits of its hash. Rows have
// columns with one-letter names, because TableStore counts the bytes of names: version n and fence
// f (in every row, so that a condition never meets a missing column), data d (or z, deflated), wake
// shard w and time k, list group g, sort l and fields i, expiry e, writer token t. Other than n and
// f, zero and empty values are omitted. A row is in the index for waking only if it has a wake
// time, and in the index for listing only if it has a list entry. The table has no time to live,
// because its indexes do not allow one: the sweeper deletes expired rows.
package otsstore

import (
	"context"
	"errors"
	"time"

	"millrace/shared/store/driver"
)

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("otsstore: closed")

// Options of a Store.
type Options struct {
	Client *Client

	// Table has letters, digits and "_". Its indexes are named Table with "_wake" or "_list" at the
	// end.
	Table string

	// RetryFor is how long a call is repeated while the service throttles it or does not respond,
	// if its context lasts that long; 0: 10 s.
	RetryFor time.Duration
	// AttemptTime is how long one attempt waits for its response; 0: 10 s.
	AttemptTime time.Duration

	// Encrypted is for CreateTables and CheckTables: the table is encrypted at rest, with a key
	// that the key management service keeps for TableStore. Only the creation of a table can choose
	// that.
	Encrypted bool
}

// Store is a driver. It reads and checks nothing before the first call: the first call that
// meets a fault of the table, the permissions or the instance reports it.
type Store struct {
	o       Options
	tracker driver.CallTracker
	driver.WakeShards
}

var _ driver.Driver = (*Store)(nil)

// New returns a Store. It makes no request.
func New(o Options) *Store {
	if o.RetryFor <= 0 {
		o.RetryFor = 10 * time.Second
	}
	if o.AttemptTime <= 0 {
		o.AttemptTime = 10 * time.Second
	}
	return &Store{o: o}
}

// Close makes every later call fail with ErrClosed, and returns when the calls under way have
// ended.
func (s *Store) Close() error {
	s.tracker.Close()
	return nil
}

// beginCall begins an operation; endCall ends it.
func (s *Store) beginCall(ctx context.Context) error { return s.tracker.Begin(ctx, ErrClosed) }

func (s *Store) endCall() { s.tracker.End() }
