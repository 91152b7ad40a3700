package platform

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"millrace/shared/trigger"
)

// Queue is what is done with the messages of the engine's queue.
type Queue struct {
	// Decode gives the partition that the body of a hint names, and an error for what is no hint that it knows.
	Decode func(body string) (partition string, err error)
	// Work takes up an execution. It must return in time before ctx ends.
	Work func(ctx context.Context, partition string) error
	// Dispatch starts an invocation of this function for one execution, with the hint as its event, and does not wait for
	// it. It is used for messages of MNS only; nil: they are worked on at once.
	Dispatch func(ctx context.Context, partition string) error
	// Outcome takes in how an asynchronous invocation has ended; nil refuses such messages.
	Outcome func(ctx context.Context, o trigger.Outcome) error
}

// ConsumeQueue works on batches of messages. Hints of one execution are one piece of work, different executions are
// worked on at the same time. Only the messages whose work failed come again. What cannot be understood, from a newer
// program or by mistake, is logged and comes again too, until the queue's redrive policy puts it into the dead-letter
// queue: nothing is lost, and somebody is told.
func ConsumeQueue(q Queue) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		switch trigger.KindOf(event) {
		case trigger.MNSBatch:
			return nil, q.consumeMNS(ctx, event)
		case trigger.HintEvent:
			return nil, q.consumeHint(ctx, event)
		}
		messages, err := trigger.DecodeBatch(event)
		if err != nil {
			return nil, err
		}
		b := &batch{queue: q, failed: make([]bool, len(messages))}
		b.run(ctx, messages)
		var failed []string
		for i, m := range messages {
			if b.failed[i] {
				failed = append(failed, m.ID)
			}
		}
		return trigger.BatchReply(failed), nil
	}
}

// piecesMax is how many pieces of a batch are worked on at a time.
const piecesMax = 64

// batch is one batch of messages on its way.
type batch struct {
	queue  Queue
	failed []bool // by message; each written by the one piece that the message is part of
}

// piece is one piece of work, and the messages that ask for it.
type piece struct {
	name     string // for the log
	messages []int
	order    int // hints begin before outcomes, which functions of flows can send without end
	work     func(context.Context) error
}

func (b *batch) run(ctx context.Context, messages []trigger.Message) {
	var done sync.WaitGroup
	slots := make(chan struct{}, piecesMax)
	for _, p := range b.pieces(messages) {
		slots <- struct{}{}
		done.Go(func() {
			defer func() { <-slots }()
			if err := carefully(ctx, p.work); err != nil {
				slog.Error("work failed; its messages come again", "work", p.name, "err", err)
				b.fail(p)
			}
		})
	}
	done.Wait()
}

func (b *batch) fail(p *piece) {
	for _, i := range p.messages {
		b.failed[i] = true
	}
}

// pieces merges messages into pieces of work.
func (b *batch) pieces(messages []trigger.Message) []*piece {
	var all []*piece
	hints := map[string]*piece{}
	for i, m := range messages {
		partition, err := b.queue.Decode(m.Body)
		switch {
		case err == nil && hints[partition] != nil:
			hints[partition].messages = append(hints[partition].messages, i)
			continue
		case err == nil:
			p := &piece{name: partition, messages: []int{i}, work: func(ctx context.Context) error { return b.queue.Work(ctx, partition) }}
			hints[partition] = p
			all = append(all, p)
			continue
		}
		if o, oerr := trigger.DecodeOutcome([]byte(m.Body)); oerr == nil && b.queue.Outcome != nil {
			all = append(all, &piece{name: "outcome of " + o.RequestID, messages: []int{i}, order: 1,
				work: func(ctx context.Context) error { return b.queue.Outcome(ctx, o) }})
			continue
		}
		slog.Error("message not understood; it goes to the dead-letter queue", "message", m.ID, "queue", m.Source, "receives", m.Receives, "err", err)
		b.failed[i] = true
	}
	slices.SortStableFunc(all, func(a, b *piece) int { return a.order - b.order })
	return all
}

// carefully makes a panic an error, so that one piece of work does not take the others down.
func carefully(ctx context.Context, work func(context.Context) error) (err error) {
	defer recovered(&err)
	return work(ctx)
}
