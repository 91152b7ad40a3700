// Package dynamostore is a driver over one DynamoDB table. Only PutItem and DeleteItem with a
// condition decide anything. The two indexes are read for listing and for waking, never for a
// decision.
//
// The table (see Schema) has the partition key p and the sort key s, both strings. Rows have
// attributes with one-letter names, because DynamoDB counts the bytes of names: version n, fence f,
// data d (or z, deflated), wake shard w and time k, list group g, sort l and fields i, expiry e
// (ms) and x (s, rounded up: the TTL attribute), writer token t. Zero and empty values are omitted.
// A row without a wake time, or whose wake time is its expiry, is not in the index wake, and a row
// without a list entry is not in the index list. A write that changes neither costs no index
// writes.
package dynamostore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store/driver"
)

// ErrClosed is the error of every method after Close.
var ErrClosed = errors.New("dynamostore: closed")

// Options of a Store.
type Options struct {
	Client *dynamodb.Client // its own retries are disabled
	Table  string           // name or ARN

	// RetryFor is how long a call is repeated while the service throttles it or does not respond,
	// if its context lasts that long; 0: 10 s.
	RetryFor time.Duration
	// AttemptTime is how long one attempt waits for its response; 0: 10 s.
	AttemptTime time.Duration
}

// Store is a driver. It reads and checks nothing before the first call: the first call that
// meets a fault of the table, the permissions or the region reports it.
type Store struct {
	o       Options
	region  string
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
	return &Store{o: o, region: o.Client.Options().Region}
}

// NewClient returns a client that keeps as many idle connections as a busy engine has calls in
// flight. It does not change cfg.HTTPClient if that is set.
func NewClient(cfg aws.Config, options ...func(*dynamodb.Options)) *dynamodb.Client {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
		})
	}
	return dynamodb.NewFromConfig(cfg, options...)
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
