package otsstore

import (
	"unicode/utf8"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/driver"
)

// Expectations of a row's existence.
const (
	mustExist    = tablestore.RowExistenceExpectation_EXPECT_EXIST
	mustNotExist = tablestore.RowExistenceExpectation_EXPECT_NOT_EXIST
)

// matches returns a condition on a column. Unlike the SDK's default, a missing column fails it.
func matches(name string, op tablestore.ComparatorType, value any) tablestore.ColumnFilter {
	c := tablestore.NewSingleColumnCondition(name, op, value)
	c.FilterIfMissing, c.LatestVersionOnly = true, true
	return c
}

// atVersion returns the condition that a row exists with a version and a fence; false if no row can
// meet it.
func atVersion(c driver.Condition) (*tablestore.RowCondition, bool) {
	if !utf8.ValidString(c.Fence) {
		return nil, false
	}
	both := tablestore.NewCompositeColumnCondition(tablestore.LO_AND)
	both.AddFilter(matches(colVersion, tablestore.CT_EQUAL, c.Version))
	both.AddFilter(matches(colFence, tablestore.CT_EQUAL, c.Fence))
	return &tablestore.RowCondition{RowExistenceExpectation: mustExist, ColumnCondition: both}, true
}

// expired returns the condition that a row exists and has expired. TableStore has no condition for
// "absent or expired" that would not also accept a row that never expires, so a claim tries the two
// in turn.
func expired(now int64) *tablestore.RowCondition {
	return &tablestore.RowCondition{RowExistenceExpectation: mustExist,
		ColumnCondition: matches(colExpires, tablestore.CT_LESS_EQUAL, now)}
}

func absent() *tablestore.RowCondition {
	return &tablestore.RowCondition{RowExistenceExpectation: mustNotExist}
}
