// Package dynamostore is a store.Driver over one DynamoDB table. Only PutItem and DeleteItem under a condition decide
// anything; the two indexes are read for listing and for waking, never for a decision.
//
// The table (see Schema): partition key p and sort key s, both strings. Rows have attributes with one-letter names,
// since DynamoDB counts names by the byte: version n, fence f, data d (or z, deflated), wake shard w and time k, list
// group g, sort l and fields i, expiry e (ms) and x (s, rounded up: the TTL attribute), writer token t. What is zero or
// empty is left out. A row without a wake time is not in the index wake, nor is one that is to wake when it expires;
// one without a list entry is not in the index list; and a write that changes neither costs no index writes.
package dynamostore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store"
)

// ErrClosed is the answer of every method after Close.
var ErrClosed = errors.New("dynamostore: closed")

// Options of a Store.
type Options struct {
	Client *dynamodb.Client // its own retries are not used
	Table  string           // name or ARN

	// RetryFor is how long a call is tried again that the service throttles or does not answer, if its context lasts
	// that long; 0: 10 s.
	RetryFor time.Duration
	// AttemptTime is how long one attempt waits for its answer; 0: 10 s.
	AttemptTime time.Duration

	Meter *Meter // nil: capacity is not reported
}

// Store is a store.Driver. Nothing is read or checked before the first call: what is wrong with the table, the
// permissions or the region is told by the first call that meets it.
type Store struct {
	o       Options
	region  string
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
	return &Store{o: o, region: o.Client.Options().Region}
}

// NewClient returns a client that keeps as many idle connections as a busy runner has calls in flight. A client of
// cfg.HTTPClient is left as it is.
func NewClient(cfg aws.Config, options ...func(*dynamodb.Options)) *dynamodb.Client {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
		})
	}
	return dynamodb.NewFromConfig(cfg, options...)
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
