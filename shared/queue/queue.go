// Package queue is the port to the message queue. A message is a hint: it names an execution's partition and
// says nothing else, so losing, repeating, delaying or reordering messages only changes when things happen (R1).
package queue

import (
	"context"
	"time"
)

// Hint is a hint: "look at this partition".
type Hint struct {
	Partition string
	Delay     time.Duration // not delivered earlier; 0: at once
}

// Sender sends hints. Send is safe for many goroutines. An error means that some or all may not have been sent;
// callers go on, since the sweeper sends again (R7). A delay beyond what the queue can hold is cut to that.
type Sender interface {
	Send(ctx context.Context, hints ...Hint) error
}

// Handler takes one delivery. A nil answer acknowledges it; an error leaves it to be delivered again.
type Handler func(ctx context.Context, partition string) error
