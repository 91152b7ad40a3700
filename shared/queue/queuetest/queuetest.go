// Package queuetest is the conformance suite of a queue: sending through queue.Sender and delivery
// to a queue.Handler.
package queuetest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/queue"
)

// Harness is one empty queue under test.
type Harness struct {
	Sender queue.Sender

	// Consume delivers until ctx is done. When it returns, no handler runs.
	Consume func(ctx context.Context, handler queue.Handler) error

	// Close closes the queue and waits for running handlers. It is nil if there is nothing to
	// close.
	Close func() error

	// Merges says that waiting hints of one partition are delivered once.
	Merges bool

	// Slack is how late a delivery may be; 0 means two minutes. Only a failing test waits that
	// long.
	Slack time.Duration
}

// Options configures the suite.
type Options struct {
	// Bubble runs each test in a bubble of testing/synctest, in which waiting takes no real time.
	// The queue must then run in this process and use no network.
	Bubble bool
}

// Run runs the suite. openQueue returns a new empty queue for each test and registers its own
// clean-up.
func Run(t *testing.T, options Options, openQueue func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run := func(t *testing.T) {
				h := openQueue(t)
				if h.Slack == 0 {
					h.Slack = 2 * time.Minute
				}
				c.run(t, h)
			}
			if options.Bubble {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, h Harness)
}{
	{"Delivers", delivers},
	{"DeliversWhatWasSentBefore", deliversWhatWasSentBefore},
	{"OddPartitions", oddPartitions},
	{"Delay", delay},
	{"NegativeDelay", negativeDelay},
	{"VeryLongDelay", veryLongDelay},
	{"EarliestWins", earliestWins},
	{"Merges", merges},
	{"HintWhileHandled", hintWhileHandled},
	{"Redelivery", redelivery},
	{"OthersWhileOneFails", othersWhileOneFails},
	{"Parallel", parallel},
	{"ManySenders", manySenders},
	{"ConsumeEnds", consumeEnds},
	{"HandlerContext", handlerContext},
	{"Close", closeWaits},
	{"CancelledSend", cancelledSend},
}
