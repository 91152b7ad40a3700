package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store"
)

// What BatchWriteItem takes, and how many of them one commit has under way.
const (
	batchRows  = 25
	batchBytes = 4 << 20 // of data; DynamoDB takes 16 MB of JSON
	batchesMax = 8
)

// putAll writes rows without a condition. Of rows with one key the last one counts.
func (s *Store) putAll(ctx context.Context, rows []store.Row) error {
	items, err := putItems(rows)
	if err != nil {
		return err
	}
	batches := split(items)
	if len(batches) <= 1 {
		return s.putBatches(ctx, batches)
	}
	var done sync.WaitGroup
	slots := make(chan struct{}, batchesMax)
	errs := make([]error, len(batches))
	for i := range batches {
		slots <- struct{}{}
		done.Go(func() {
			errs[i] = s.putBatches(ctx, batches[i:i+1])
			<-slots
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

func putItems(rows []store.Row) ([]item, error) {
	items := make([]item, 0, len(rows))
	at := make(map[store.Key]int, len(rows))
	for _, row := range rows {
		it, err := rowItem(row)
		if err != nil {
			return nil, err
		}
		if i, ok := at[row.Key]; ok {
			items[i] = it
			continue
		}
		at[row.Key] = len(items)
		items = append(items, it)
	}
	return items, nil
}

// split cuts items into batches.
func split(items []item) (batches [][]item) {
	start, bytes := 0, 0
	for i, it := range items {
		n := size(it)
		if i-start == batchRows || i > start && bytes+n > batchBytes {
			batches = append(batches, items[start:i])
			start, bytes = i, 0
		}
		bytes += n
	}
	if start < len(items) {
		batches = append(batches, items[start:])
	}
	return batches
}

func (s *Store) putBatches(ctx context.Context, batches [][]item) error {
	for _, b := range batches {
		var err error
		if len(b) == 1 {
			err = s.putOne(ctx, b[0])
		} else {
			err = s.putBatch(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) putOne(ctx context.Context, it item) error {
	const op = "PutItem"
	in := &dynamodb.PutItemInput{TableName: &s.o.Table, Item: it, ReturnConsumedCapacity: s.o.Meter.asked(), ReturnValues: s.o.Meter.before()}
	var out *dynamodb.PutItemOutput
	if _, err := s.call(ctx, op, func(ctx context.Context) (err error) {
		out, err = s.o.Client.PutItem(ctx, in, once)
		return err
	}); err != nil {
		return err
	}
	s.o.Meter.write(op, report(out.ConsumedCapacity), change{out.Attributes, it})
	return nil
}

// putBatch writes a batch; what DynamoDB leaves undone of it is tried again.
func (s *Store) putBatch(ctx context.Context, items []item) error {
	const op = "BatchWriteItem"
	requests := make([]types.WriteRequest, len(items))
	for i, it := range items {
		requests[i].PutRequest = &types.PutRequest{Item: it}
	}
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.o.Table: requests}, ReturnConsumedCapacity: s.o.Meter.asked()}
		var out *dynamodb.BatchWriteItemOutput
		if _, err := s.call(ctx, op, func(ctx context.Context) (err error) {
			out, err = s.o.Client.BatchWriteItem(ctx, in, once)
			return err
		}); err != nil {
			return err
		}
		if s.o.Meter != nil {
			s.o.Meter.write(op, out.ConsumedCapacity, added(requests)...)
		}
		left := 0
		for _, rest := range out.UnprocessedItems { // under the table's name, whatever it was called here
			requests, left = rest, len(rest)
		}
		if left == 0 {
			return nil
		}
		if !store.Pause(ctx, n, end) {
			return s.explain(op, errors.Join(ctx.Err(), fmt.Errorf("%d of %d rows were left undone, the table is throttled", left, len(items))))
		}
	}
}

// added takes the rows of a batch, whose former state DynamoDB does not give, for new ones.
func added(requests []types.WriteRequest) []change {
	changes := make([]change, len(requests))
	for i, r := range requests {
		changes[i].after = r.PutRequest.Item
	}
	return changes
}
