// Package otsstore is a store.Driver over one TableStore table and its two global indexes. Only PutRow and DeleteRow
// under a condition decide anything; the indexes are read for listing and for waking, never for a decision.
//
// The table (see Schema): primary key p and s, both strings. TableStore splits tables by ranges of p, so p is a
// partition behind two hexadecimal digits of its hash. Rows have columns with one-letter names, since TableStore counts
// names by the byte: version n and fence f (in every row, so that a condition never meets a missing column), data d,
// or z where it is deflated, wake shard w and time k, list group g, sort l and fields i, expiry e, writer token t. Of the others, what is zero or
// empty is left out. A row without a wake time is not in the index for waking, one without a list entry not in that for
// listing. The table has no time to live, which its indexes would not allow: the sweeper deletes.
package otsstore

import (
	"context"
	"errors"
	"time"

	"millrace/shared/store"
)

// ErrClosed is the answer of every method after Close.
var ErrClosed = errors.New("otsstore: closed")

// Options of a Store.
type Options struct {
	Client *Client
	Table  string // letters, digits and "_"; its indexes have its name and "_wake" or "_list" behind it

	// RetryFor is how long a call is tried again that the service throttles or does not answer, if its context lasts
	// that long; 0: 10 s.
	RetryFor time.Duration
	// AttemptTime is how long one attempt waits for its answer; 0: 10 s.
	AttemptTime time.Duration

	Meter *Meter // nil: capacity is not summed

	// Encrypted is for CreateTables and CheckTables: the table is encrypted at rest, by a key that the key management
	// service keeps for TableStore. That can be chosen only when a table is made.
	Encrypted bool
}

// Store is a store.Driver. Nothing is read or checked before the first call: what is wrong with the table, the
// permissions or the instance is told by the first call that meets it.
type Store struct {
	o       Options
	tracker store.CallTracker
}

var _ store.Driver = (*Store)(nil)

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

// shards is the number of wake groups: one group must not take all writes of a busy account. Changing it loses sight
// of rows that sleep in groups beyond.
const shards = 16

// Shards returns 16.
func (s *Store) Shards() int { return shards }

// Close makes every later call fail with ErrClosed, and returns when those under way have ended.
func (s *Store) Close() error {
	s.tracker.Close()
	return nil
}

// beginCall begins an operation; leave ends it.
func (s *Store) beginCall(ctx context.Context) error { return s.tracker.Begin(ctx, ErrClosed) }

func (s *Store) endCall() { s.tracker.End() }
