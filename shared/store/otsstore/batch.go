package otsstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// limits are those of BatchWriteRow: 4 MB, of which size does not count all.
var limits = driver.BatchLimits{Rows: 200, Bytes: 3 << 20, Concurrency: 8}

// putAll writes rows without a condition. Of rows with the same key it writes the last one.
func (s *Store) putAll(ctx context.Context, rows []driver.Row) error {
	rows = driver.DedupeRows(rows)
	changes := make([]*tablestore.PutRowChange, len(rows))
	for i, row := range rows {
		var err error
		if changes[i], err = s.rowChange(row); err != nil {
			return err
		}
	}
	return driver.PutBatches(changes, size, limits,
		func(b []*tablestore.PutRowChange) error { return s.putBatch(ctx, b) })
}

// putBatch writes a batch, and repeats the rows that failed if a repeat may succeed.
func (s *Store) putBatch(ctx context.Context, changes []*tablestore.PutRowChange) error {
	if len(changes) == 1 {
		_, err := s.put(ctx, "PutRow", changes[0])
		return err
	}
	const op = "BatchWriteRow"
	end := time.Now().Add(s.o.RetryFor)
	for n, left := 0, changes; ; n++ {
		var results []tablestore.RowResult
		if _, err := s.call(ctx, op, func(c *tablestore.TableStoreClient) (err error) {
			results, err = s.writeBatch(c, left)
			return err
		}); err != nil {
			return err
		}
		failed, last, err := s.checkResults(op, left, results)
		if err != nil {
			return err
		}
		if len(failed) == 0 {
			return nil
		}
		if left = failed; !driver.Backoff(ctx, n, end) {
			return s.explain(op, errors.Join(ctx.Err(),
				fmt.Errorf("%d of %d rows were not written: %w", len(left), len(changes), last)))
		}
	}
}

func (s *Store) writeBatch(
	c *tablestore.TableStoreClient, changes []*tablestore.PutRowChange,
) ([]tablestore.RowResult, error) {
	request := &tablestore.BatchWriteRowRequest{}
	for _, change := range changes {
		request.AddRowChange(change)
	}
	out, err := c.BatchWriteRow(request)
	if err != nil {
		return nil, err
	}
	results := out.TableToRowsResult[s.o.Table]
	if len(results) != len(changes) {
		return nil, fmt.Errorf("%w: %d results for %d rows", errBadResponse, len(results),
			len(changes))
	}
	return results, nil
}

// checkResults returns the rows of a batch that failed, and the error of the last one. err is the
// error of a row for which a repeat is of no use.
func (s *Store) checkResults(
	op string, changes []*tablestore.PutRowChange, results []tablestore.RowResult,
) (failed []*tablestore.PutRowChange, last, err error) {
	for i, r := range results {
		if r.IsSucceed {
			continue
		}
		last = &tablestore.OtsError{Code: r.Error.Code, Message: r.Error.Message}
		if classifyCode(r.Error.Code, r.Error.Message, 0) == permanent {
			err = s.explain(op, last)
		}
		failed = append(failed, changes[i])
	}
	return failed, last, err
}
