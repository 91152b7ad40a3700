// Package storetest is the conformance suite of driver.Driver: a driver is complete if it passes.
package storetest

import (
	"testing"
	"time"

	"millrace/shared/store/driver"
)

// Harness is one empty store under test, and what the tests may do to it from outside.
type Harness struct {
	Driver driver.Driver

	// Reopen closes the driver and opens the same data again; nil if the driver does not keep its
	// data.
	Reopen func() driver.Driver

	// HoldSync makes writes wait before they become durable, until release is called (once); nil if
	// the driver cannot do that.
	HoldSync func() (release func())

	// MaxData is the longest Data of a row that the driver accepts; 0 means at least 1 MiB.
	MaxData int

	// Lag is how long List and Due may lag behind; 0 means a minute. The suite waits for it only
	// before it fails a test.
	Lag time.Duration
}

// Run runs the suite. open returns a new empty store for each test and registers its own clean-up.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			if h.MaxData == 0 {
				h.MaxData = 1 << 20
			}
			if h.Lag == 0 {
				h.Lag = time.Minute
			}
			c.run(t, h)
		})
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, h Harness)
}{
	{"ClaimRace", claimRace},
	{"CompareAndSet", compareAndSet},
	{"CompareAndSetRace", compareAndSetRace},
	{"AbsentOrExpired", absentOrExpired},
	{"CommitPuts", commitPuts},
	{"CommitManyPuts", commitManyPuts},
	{"RowFields", rowFields},
	{"PutOverwrites", putOverwrites},
	{"Delete", deleteRows},
	{"DeleteUnderCondition", deleteUnderCondition},
	{"EmptiedPartition", emptiedPartition},
	{"RangeOrder", rangeOrder},
	{"RangePages", rangePages},
	{"OddKeys", oddKeys},
	{"LargeRows", largeRows},
	{"ListOrder", listOrder},
	{"ListPages", listPages},
	{"ListFollowsRow", listFollowsRow},
	{"DueOrder", dueOrder},
	{"DuePages", duePages},
	{"DueFollowsRow", dueFollowsRow},
	{"DueShardsRaised", dueShardsRaised},
	{"DueBadArguments", dueBadArguments},
	{"Inbox", inbox},
	{"Readers", readers},
	{"Cancelled", cancelled},
	{"Reopen", reopen},
	{"DurableReads", durableReads},
	{"DurableDeletes", durableDeletes},
	{"Closed", closed},
}
