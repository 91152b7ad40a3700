package dynamostore

import (
	"context"
	"math"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store/driver"
)

// Get implements driver.Driver.
func (s *Store) Get(ctx context.Context, key driver.Key) (driver.Row, error) {
	if err := s.beginCall(ctx); err != nil {
		return driver.Row{}, err
	}
	defer s.endCall()
	if err := checkKeys(key); err != nil {
		return driver.Row{}, err
	}
	it, err := s.getItem(ctx, key, nil)
	if err != nil {
		return driver.Row{}, err
	}
	return itemRow(it)
}

// getItem reads an item, strongly consistent; only the attributes of projection if that is not nil.
func (s *Store) getItem(ctx context.Context, key driver.Key, projection *string) (item, error) {
	const op = "GetItem"
	in := &dynamodb.GetItemInput{TableName: &s.o.Table, Key: keyItem(key),
		ConsistentRead: aws.Bool(true), ProjectionExpression: projection}
	var out *dynamodb.GetItemOutput
	if _, err := s.call(ctx, op, func(ctx context.Context) (err error) {
		out, err = s.o.Client.GetItem(ctx, in, noRetry)
		return err
	}); err != nil {
		return nil, err
	}
	if len(out.Item) == 0 {
		return nil, driver.ErrNotFound
	}
	return out.Item, nil
}

// Range implements driver.Driver.
func (s *Store) Range(
	ctx context.Context, r driver.Range,
) (rows []driver.Row, more bool, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, false, err
	}
	defer s.endCall()
	q := keyRange{op: "Query", partitionAttr: attrPartition, group: r.Partition, sortAttr: attrSort,
		from: r.From, to: r.To, limit: r.Limit, reverse: r.Reverse}
	items, more, err := s.queryRange(ctx, q)
	if err != nil {
		return nil, false, err
	}
	for _, it := range items {
		row, err := itemRow(it)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, row)
	}
	return rows, more, nil
}

// List implements driver.Driver.
func (s *Store) List(
	ctx context.Context, l driver.ListRange,
) (entries []driver.Listed, more bool, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, false, err
	}
	defer s.endCall()
	q := keyRange{op: "Query list", index: IndexList, partitionAttr: attrGroup, group: l.Group,
		sortAttr: attrListSort, from: l.From, to: l.To, limit: l.Limit, reverse: l.Reverse}
	items, more, err := s.queryRange(ctx, q)
	if err != nil {
		return nil, false, err
	}
	for _, it := range items {
		r := reader{item: it}
		e := driver.Listed{Key: r.key(), Sort: r.text(attrListSort), Fields: r.blob(attrFields)}
		if r.err != nil {
			return nil, false, r.err
		}
		entries = append(entries, e)
	}
	return entries, more, nil
}

// keyRange is a query for the rows between two sort keys of the table or the list index.
type keyRange struct {
	op            string
	index         string // "" for the table
	partitionAttr string // name of the partition key
	group         string // its value
	sortAttr      string // name of the sort key
	from, to      string // from <= sort key < to; to "" means no upper bound
	limit         int
	reverse       bool
}

// queryRange reads one page. It repeats the query of DynamoDB while that returns an empty page
// before the end.
func (s *Store) queryRange(ctx context.Context, q keyRange) (items []item, more bool, err error) {
	if err := checkKey("partition or group", q.group); err != nil {
		return nil, false, err
	}
	if !utf8.ValidString(q.from) || !utf8.ValidString(q.to) {
		return nil, false, checkKey("bound", q.from+q.to)
	}
	if q.to != "" && q.from >= q.to {
		return nil, false, nil
	}
	in := s.rangeQuery(q)
	for {
		out, err := s.query(ctx, q.op, in)
		if err != nil {
			return nil, false, err
		}
		items, more = out.Items, len(out.LastEvaluatedKey) > 0
		if n := len(items); n > 0 && q.to != "" {
			// BETWEEN includes its upper bound.
			if q.reverse && above(items[0], q) {
				items = items[1:]
			} else if !q.reverse && above(items[n-1], q) {
				items, more = items[:n-1], false
			}
		}
		if q.limit > 0 && len(items) > q.limit {
			items, more = items[:q.limit], true
		}
		if len(items) > 0 || !more {
			return items, more, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func above(it item, q keyRange) bool {
	r := reader{item: it}
	return r.text(q.sortAttr) >= q.to
}

func (s *Store) rangeQuery(q keyRange) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{TableName: &s.o.Table,
		ScanIndexForward:          aws.Bool(!q.reverse),
		ExpressionAttributeValues: item{":g": text(q.group)}}
	if q.index != "" {
		in.IndexName = &q.index
	} else {
		in.ConsistentRead = aws.Bool(true)
	}
	condition := q.partitionAttr + " = :g"
	if q.from != "" {
		in.ExpressionAttributeValues[":from"] = text(q.from)
	}
	if q.to != "" {
		in.ExpressionAttributeValues[":to"] = text(q.to)
	}
	limit := q.limit
	switch {
	case q.from != "" && q.to != "":
		condition += " AND " + q.sortAttr + " BETWEEN :from AND :to"
		if q.reverse && limit > 0 {
			limit++ // the first item may be the bound itself
		}
	case q.from != "":
		condition += " AND " + q.sortAttr + " >= :from"
	case q.to != "":
		condition += " AND " + q.sortAttr + " < :to"
	}
	in.KeyConditionExpression = &condition
	in.Limit = pageLimit(limit)
	return in
}

// pageLimit converts a limit for DynamoDB: nil means no limit, which leaves a page of 1 MB.
func pageLimit(limit int) *int32 {
	if limit <= 0 {
		return nil
	}
	return aws.Int32(int32(min(limit, math.MaxInt32)))
}

func (s *Store) query(
	ctx context.Context, op string, in *dynamodb.QueryInput,
) (out *dynamodb.QueryOutput, err error) {
	if _, err := s.call(ctx, op, func(ctx context.Context) (err error) {
		out, err = s.o.Client.Query(ctx, in, noRetry)
		return err
	}); err != nil {
		return nil, err
	}
	return out, nil
}
