package otsstore

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

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
	r, err := s.getRow(ctx, key)
	if err != nil {
		return driver.Row{}, err
	}
	return r.row()
}

// getRow reads a row, strongly consistent; only the named columns if there are any.
func (s *Store) getRow(ctx context.Context, key driver.Key, columns ...string) (*reader, error) {
	const op = "GetRow"
	in := &tablestore.GetRowRequest{SingleRowQueryCriteria: &tablestore.SingleRowQueryCriteria{
		TableName: s.o.Table, PrimaryKey: rowKey(key), ColumnsToGet: columns, MaxVersion: 1}}
	var out *tablestore.GetRowResponse
	if _, err := s.call(ctx, op, func(c *tablestore.TableStoreClient) (err error) {
		out, err = c.GetRow(in)
		return err
	}); err != nil {
		return nil, err
	}
	if len(out.PrimaryKey.PrimaryKeys) == 0 {
		return nil, driver.ErrNotFound
	}
	return newReader(&out.PrimaryKey, out.Columns), nil
}

// Range implements driver.Driver.
func (s *Store) Range(
	ctx context.Context, r driver.Range,
) (rows []driver.Row, more bool, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, false, err
	}
	defer s.endCall()
	if err := checkRange("partition", r.Partition, maxPartition, r.From, r.To); err != nil {
		return nil, false, err
	}
	if r.To != "" && r.From >= r.To {
		return nil, false, nil
	}
	q := s.rangeQuery(r)
	found, next, err := s.page(ctx, "GetRange", q, func(f *reader) (skip, end bool) {
		sort := f.text(colSort)
		return r.Reverse && r.To != "" && sort >= r.To, sort < r.From
	})
	if err != nil {
		return nil, false, err
	}
	more = next != nil
	if r.Limit > 0 && len(found) > r.Limit {
		found, more = found[:r.Limit], true
	}
	for _, f := range found {
		row, err := f.row()
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, row)
	}
	return rows, more, nil
}

// rangeQuery returns the query for the rows of a partition. A backward query includes its start and
// excludes its end, the opposite of a driver.Range: the caller drops the extra row.
func (s *Store) rangeQuery(r driver.Range) *tablestore.RangeRowQueryCriteria {
	p := column{colPartition, hashed(r.Partition)}
	from, to := lowest, highest
	if r.From != "" {
		from = r.From
	}
	if r.To != "" {
		to = r.To
	}
	q := s.query(s.o.Table, r.Limit)
	if !r.Reverse {
		q.StartPrimaryKey = primaryKey(p, column{colSort, from})
		q.EndPrimaryKey = primaryKey(p, column{colSort, to})
		return q
	}
	if r.From != "" {
		from = before(r.From)
	}
	if r.To != "" && q.Limit > 0 && q.Limit < math.MaxInt32 {
		q.Limit++ // the first row may be the bound itself
	}
	q.Direction = tablestore.BACKWARD
	q.StartPrimaryKey = primaryKey(p, column{colSort, to})
	q.EndPrimaryKey = primaryKey(p, column{colSort, from})
	return q
}

// before returns a text before s, with almost no text between them.
func before(s string) any {
	if last, ok := strings.CutSuffix(s, "\x00"); ok {
		if last == "" {
			return lowest
		}
		return last
	}
	r, n := utf8.DecodeLastRuneInString(s)
	if r--; r == 0xdfff {
		r = 0xd7ff // there are no runes in between
	}
	const behind = "\U0010ffff\U0010ffff\U0010ffff"
	s = s[:len(s)-n] + string(r)
	return s + behind[:min(len(behind), (maxKey-len(s))/4*4)]
}

// List implements driver.Driver.
func (s *Store) List(
	ctx context.Context, l driver.ListRange,
) (entries []driver.Listed, more bool, err error) {
	if err := s.beginCall(ctx); err != nil {
		return nil, false, err
	}
	defer s.endCall()
	if err := checkRange("list group", l.Group, maxKey, l.From, l.To); err != nil {
		return nil, false, err
	}
	if l.To != "" && l.From >= l.To {
		return nil, false, nil
	}
	q := s.listQuery(l)
	for {
		found, next, err := s.page(ctx, "GetRange list", q,
			func(*reader) (skip, end bool) { return false, false })
		if err != nil {
			return nil, false, err
		}
		for _, f := range found {
			e := driver.Listed{Key: f.key(), Sort: f.text(colListSort), Fields: f.blob(colFields)}
			if f.err != nil {
				return nil, false, f.err
			}
			entries = append(entries, e)
		}
		if next == nil || !splitsSort(entries, next, l.Limit) {
			return entries, next != nil, nil
		}
		q.StartPrimaryKey = next
	}
}

// splitsSort reports whether a page ends between entries of one sort key, where a caller could not
// continue.
func splitsSort(entries []driver.Listed, next *tablestore.PrimaryKey, limit int) bool {
	return (limit <= 0 || len(entries) < limit) &&
		newReader(next, nil).text(colListSort) == entries[len(entries)-1].Sort
}

// listQuery returns the query for entries of a group. Each bound is the lowest possible row of a
// sort key, before all of its entries. So it includes or excludes a sort key as requested, in both
// directions.
func (s *Store) listQuery(l driver.ListRange) *tablestore.RangeRowQueryCriteria {
	bound := func(sort string, none any) *tablestore.PrimaryKey {
		if sort == "" {
			return primaryKey(column{colGroup, l.Group}, column{colListSort, none},
				column{colPartition, none}, column{colSort, none})
		}
		return primaryKey(column{colGroup, l.Group}, column{colListSort, sort},
			column{colPartition, lowest}, column{colSort, lowest})
	}
	q := s.query(IndexList(s.o.Table), l.Limit)
	q.StartPrimaryKey, q.EndPrimaryKey = bound(l.From, lowest), bound(l.To, highest)
	if l.Reverse {
		q.Direction = tablestore.BACKWARD
		q.StartPrimaryKey, q.EndPrimaryKey = q.EndPrimaryKey, q.StartPrimaryKey
	}
	return q
}

// checkRange rejects a range that TableStore does not accept.
func checkRange(what, group string, max int, from, to string) error {
	if err := checkKey(what, group, max); err != nil {
		return err
	}
	for _, bound := range []string{from, to} {
		if bound != "" {
			if err := checkKey("bound", bound, maxKey); err != nil {
				return err
			}
		}
	}
	return nil
}

// query returns a range query without its bounds.
func (s *Store) query(table string, limit int) *tablestore.RangeRowQueryCriteria {
	return &tablestore.RangeRowQueryCriteria{TableName: table, MaxVersion: 1,
		Limit: int32(min(max(limit, 0), math.MaxInt32))}
}

// page reads one page of a range, and further pages while they are empty before the end. keep
// reports for each row whether to skip it, and whether the range ends before it. next is where the
// next page begins; nil at the end.
func (s *Store) page(
	ctx context.Context, op string, q *tablestore.RangeRowQueryCriteria,
	keep func(*reader) (skip, end bool),
) (found []*reader, next *tablestore.PrimaryKey, err error) {
	for {
		out, err := s.getRange(ctx, op, q)
		if err != nil {
			return nil, nil, err
		}
		next = out.NextStartPrimaryKey
		for _, row := range out.Rows {
			r := newReader(row.PrimaryKey, row.Columns)
			skip, end := keep(r)
			if end {
				return found, nil, r.err
			}
			if !skip {
				found = append(found, r)
			}
		}
		if len(found) > 0 || next == nil {
			return found, next, nil
		}
		q.StartPrimaryKey = next
	}
}

func (s *Store) getRange(
	ctx context.Context, op string, q *tablestore.RangeRowQueryCriteria,
) (out *tablestore.GetRangeResponse, err error) {
	if _, err := s.call(ctx, op, func(c *tablestore.TableStoreClient) (err error) {
		out, err = c.GetRange(&tablestore.GetRangeRequest{RangeRowQueryCriteria: q})
		if err == nil && out.NextStartPrimaryKey != nil &&
			len(out.NextStartPrimaryKey.PrimaryKeys) == 0 {
			err = fmt.Errorf("%w: the next key is empty", errBadResponse)
		}
		return err
	}); err != nil {
		return nil, err
	}
	return out, nil
}
