package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store/driver"
)

// limits are those of BatchWriteItem: 16 MB of JSON, of which the data are the smaller part.
var limits = driver.BatchLimits{Rows: 25, Bytes: 4 << 20, Concurrency: 8}

// putAll writes rows without a condition. Of rows with the same key it writes the last one.
func (s *Store) putAll(ctx context.Context, rows []driver.Row) error {
	rows = driver.DedupeRows(rows)
	items := make([]item, len(rows))
	for i, row := range rows {
		var err error
		if items[i], err = rowItem(row, s.Shards()); err != nil {
			return err
		}
	}
	return driver.PutBatches(items, size, limits, func(b []item) error {
		if len(b) == 1 {
			return s.putOne(ctx, b[0])
		}
		return s.putBatch(ctx, b)
	})
}

func (s *Store) putOne(ctx context.Context, it item) error {
	const op = "PutItem"
	in := &dynamodb.PutItemInput{TableName: &s.o.Table, Item: it}
	_, err := s.call(ctx, op, func(ctx context.Context) error {
		_, err := s.o.Client.PutItem(ctx, in, noRetry)
		return err
	})
	return err
}

// putBatch writes a batch, and repeats the items that DynamoDB leaves unprocessed.
func (s *Store) putBatch(ctx context.Context, items []item) error {
	const op = "BatchWriteItem"
	requests := make([]types.WriteRequest, len(items))
	for i, it := range items {
		requests[i].PutRequest = &types.PutRequest{Item: it}
	}
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		in := &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.o.Table: requests}}
		var out *dynamodb.BatchWriteItemOutput
		if _, err := s.call(ctx, op, func(ctx context.Context) (err error) {
			out, err = s.o.Client.BatchWriteItem(ctx, in, noRetry)
			return err
		}); err != nil {
			return err
		}
		left := 0
		for _, rest := range out.UnprocessedItems { // keyed by the table's name
			requests, left = rest, len(rest)
		}
		if left == 0 {
			return nil
		}
		if !driver.Backoff(ctx, n, end) {
			return s.explain(op, errors.Join(ctx.Err(),
				fmt.Errorf("%d of %d rows were left undone, the table is throttled", left,
					len(items))))
		}
	}
}
