package dynamostore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store"
)

// Due implements store.Driver. Rows of one wake time come in an order of DynamoDB's own, which the cursor follows.
func (s *Store) Due(ctx context.Context, shard int, until int64, cursor string, limit int) (due []store.DueRow, next string, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.leave()
	if shard < 0 || shard >= shards {
		return nil, "", fmt.Errorf("dynamostore: no shard %d, there are %d", shard, shards)
	}
	in := &dynamodb.QueryInput{TableName: &s.o.Table, IndexName: aws.String(IndexWake), ReturnConsumedCapacity: s.o.Meter.asked(),
		KeyConditionExpression:    aws.String("w = :w AND k <= :until"),
		ExpressionAttributeValues: item{":w": number(int64(shard)), ":until": number(until)}, Limit: pageLimit(limit)}
	if cursor != "" {
		after, err := decodeCursor(cursor)
		if err != nil || shardOf(after.Key.Partition) != shard {
			return nil, "", fmt.Errorf("dynamostore: not a cursor of shard %d of the wake index: %.40q", shard, cursor)
		}
		if after.Wake > until {
			return nil, "", nil
		}
		in.ExclusiveStartKey = keyItem(after.Key)
		in.ExclusiveStartKey[attrShard], in.ExclusiveStartKey[attrWake] = number(int64(shard)), number(after.Wake)
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
			return due, encodeCursor(last), err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func dueRow(it item) (store.DueRow, error) {
	r := reader{item: it}
	row := store.DueRow{Key: r.key(), Wake: r.number(attrWake)}
	return row, r.err
}

// encodeCursor writes where a page ended: wake time, length of the partition, partition, sort key.
func encodeCursor(row store.DueRow) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(row.Wake))
	b = binary.AppendUvarint(b, uint64(len(row.Key.Partition)))
	b = append(append(b, row.Key.Partition...), row.Key.Sort...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(cursor string) (store.DueRow, error) {
	bad := fmt.Errorf("dynamostore: not a cursor")
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 8 {
		return store.DueRow{}, bad
	}
	wake, b := int64(binary.BigEndian.Uint64(b)), b[8:]
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return store.DueRow{}, bad
	}
	b = b[width:]
	key := store.Key{Partition: string(b[:n]), Sort: string(b[n:])}
	if wake == 0 || !utf8.Valid(b) || checkKeys(key) != nil {
		return store.DueRow{}, bad
	}
	return store.DueRow{Key: key, Wake: wake}, nil
}
