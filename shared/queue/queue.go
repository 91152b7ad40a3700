// Package queue is the interface to the message queue. A message is a hint: it names an execution's
// partition and nothing else. So losing, repeating, delaying or reordering messages only changes
// when things happen (R1).
package queue

import (
	"context"
	"time"
)

// Hint tells the engine to look at a partition.
type Hint struct {
	Partition string
	Delay     time.Duration // not delivered earlier; 0: at once
}

// Sender sends hints. Send is safe for many goroutines. An error means that some or all hints may
// not have been sent; callers continue, because the sweeper sends again (R7). A delay longer than
// the queue supports is cut to the longest that it supports.
type Sender interface {
	Send(ctx context.Context, hints ...Hint) error
}

// Handler handles one delivery. If it returns nil, the hint is acknowledged; if it returns an
// error, the hint is delivered again.
type Handler func(ctx context.Context, partition string) error
