package dynamostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store/driver"
)

// Commit implements driver.Driver: it writes the puts in parallel, and then makes the conditional
// write.
func (s *Store) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	it, err := rowItem(cas, s.Shards())
	if err != nil {
		return err
	}
	if err := s.putAll(ctx, puts); err != nil {
		return err
	}
	return s.putIf(ctx, cas.Key, it, cond)
}

// Put implements driver.Driver.
func (s *Store) Put(ctx context.Context, rows []driver.Row) error {
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	return s.putAll(ctx, rows)
}

// putIf is the write that decides. Its token shows whether the condition failed because of an
// earlier attempt of the same write, which was applied but whose response was lost.
func (s *Store) putIf(ctx context.Context, key driver.Key, it item, cond driver.Condition) error {
	const op = "PutItem"
	token, c := newToken(), conditionOf(cond)
	it[attrToken] = blob(token)
	in := &dynamodb.PutItemInput{TableName: &s.o.Table, Item: it,
		ConditionExpression: &c.expression, ExpressionAttributeValues: c.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	maybe, err := s.call(ctx, op, func(ctx context.Context) error {
		_, err := s.o.Client.PutItem(ctx, in, noRetry)
		return err
	})
	if err == nil {
		return nil
	}
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return err
	}
	existing, err := s.tokenOf(ctx, key, failed.Item)
	switch {
	case err != nil:
		return err
	case bytes.Equal(existing, token):
		return nil
	case maybe:
		// It may have been applied and then overwritten: only a later read can tell.
		return fmt.Errorf(
			"dynamostore: %s of %q: an attempt was not answered, and another write stands there "+
				"now: outcome unknown", op, key)
	}
	return driver.ErrConflict
}

// tokenOf returns the token of the row that made a condition fail. The service returns the item
// with the failure. An emulator may not, and the row may be gone: then tokenOf reads it.
func (s *Store) tokenOf(ctx context.Context, key driver.Key, it item) ([]byte, error) {
	if len(it) == 0 {
		var err error
		it, err = s.getItem(ctx, key, aws.String(attrToken))
		if errors.Is(err, driver.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	r := reader{item: it}
	return r.blob(attrToken), r.err
}

// Delete implements driver.Driver. With a condition, a row that is gone after an attempt without a
// response counts as deleted by that attempt.
func (s *Store) Delete(ctx context.Context, key driver.Key, cond *driver.Condition) error {
	const op = "DeleteItem"
	if err := s.beginCall(ctx); err != nil {
		return err
	}
	defer s.endCall()
	if err := checkKeys(key); err != nil {
		return err
	}
	in := &dynamodb.DeleteItemInput{TableName: &s.o.Table, Key: keyItem(key)}
	if cond != nil {
		c := conditionOf(*cond)
		in.ConditionExpression, in.ExpressionAttributeValues = &c.expression, c.values
	}
	maybe, err := s.call(ctx, op, func(ctx context.Context) error {
		_, err := s.o.Client.DeleteItem(ctx, in, noRetry)
		return err
	})
	if err == nil {
		return nil
	}
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return err
	}
	if !maybe {
		return driver.ErrConflict
	}
	_, err = s.getItem(ctx, key, aws.String(attrToken))
	switch {
	case errors.Is(err, driver.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf(
		"dynamostore: %s of %q: an attempt was not answered, and another row stands there now: "+
			"outcome unknown", op, key)
}
