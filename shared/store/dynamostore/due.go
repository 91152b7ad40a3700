package dynamostore

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store/driver"
)

// Due implements driver.Driver. DynamoDB chooses the order of rows with the same wake time, and the
// cursor follows it.
func (s *Store) Due(
	ctx context.Context, shard int, until int64, cursor string, limit int,
) (due []driver.DueRow, next string, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, "", err
	}
	defer s.endCall()
	if shard < 0 || shard >= s.Shards() {
		return nil, "", fmt.Errorf("dynamostore: no shard %d, there are %d", shard, s.Shards())
	}
	in := &dynamodb.QueryInput{TableName: &s.o.Table, IndexName: aws.String(IndexWake),
		KeyConditionExpression:    aws.String("w = :w AND k <= :until"),
		ExpressionAttributeValues: item{":w": number(int64(shard)), ":until": number(until)},
		Limit:                     pageLimit(limit)}
	if cursor != "" {
		after, ok := driver.ParseCursor(cursor, shard)
		if !ok || checkKeys(after.Key) != nil {
			return nil, "", fmt.Errorf(
				"dynamostore: not a cursor of shard %d of the wake index: %.40q", shard, cursor)
		}
		if after.Wake > until {
			return nil, "", nil
		}
		in.ExclusiveStartKey = keyItem(after.Key)
		in.ExclusiveStartKey[attrShard] = number(int64(shard))
		in.ExclusiveStartKey[attrWake] = number(after.Wake)
	}
	for {
		out, err := s.query(ctx, "Query wake", in)
		if err != nil {
			return nil, "", err
		}
		for _, it := range out.Items {
			row, err := dueRow(it)
			if err != nil {
				return nil, "", err
			}
			due = append(due, row)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return due, "", nil
		}
		if len(due) > 0 {
			last, err := dueRow(out.LastEvaluatedKey)
			return due, last.Cursor(shard), err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func dueRow(it item) (driver.DueRow, error) {
	r := reader{item: it}
	row := driver.DueRow{Key: r.key(), Wake: r.number(attrWake)}
	return row, r.err
}
