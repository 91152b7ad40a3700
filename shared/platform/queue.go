package platform

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"millrace/shared/trigger"
)

// QueueHandlers is what is done with the messages of the engine's queue.
type QueueHandlers struct {
	// Decode gives the partition that the body of a hint names, and an error for what is no hint that it knows.
	Decode func(body string) (partition string, err error)
	// Advance takes up an execution. It must return in time before ctx ends.
	Advance func(ctx context.Context, partition string) error
	// Dispatch starts an invocation of this function for one execution, with the hint as its event, and does not wait for
	// it. It is used for messages of MNS only; nil: they are worked on at once.
	Dispatch func(ctx context.Context, partition string) error
	// AsyncResult takes in how an asynchronous invocation has ended; nil refuses such messages.
	AsyncResult func(ctx context.Context, o trigger.AsyncResult) error
}

// ConsumeQueue works on batches of messages. Hints of one execution are one piece of work, different executions are
// worked on at the same time. Only the messages whose work failed come again. What cannot be understood, from a newer
// program or by mistake, is logged and comes again too, until the queue's redrive policy puts it into the dead-letter
// queue: nothing is lost, and somebody is told.
func ConsumeQueue(q QueueHandlers) Handler {
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

// workItemsMax is how many pieces of a batch are worked on at a time.
const workItemsMax = 64

// batch is one batch of messages on its way.
type batch struct {
	queue  QueueHandlers
	failed []bool // by message; each written by the one piece that the message is part of
}

// workItem is one piece of work, and the messages that ask for it.
type workItem struct {
	name     string // for the log
	messages []int
	order    int // hints begin before outcomes, which functions of flows can send without end
	run      func(context.Context) error
}

func (b *batch) run(ctx context.Context, messages []trigger.Message) {
	var done sync.WaitGroup
	slots := make(chan struct{}, workItemsMax)
	for _, p := range b.workItems(messages) {
		slots <- struct{}{}
		done.Go(func() {
			defer func() { <-slots }()
			if err := callRecovered(ctx, p.run); err != nil {
				slog.Error("work failed; its messages come again", "work", p.name, "err", err)
				b.fail(p)
			}
		})
	}
	done.Wait()
}

func (b *batch) fail(p *workItem) {
	for _, i := range p.messages {
		b.failed[i] = true
	}
}

// workItems merges messages into pieces of work.
func (b *batch) workItems(messages []trigger.Message) []*workItem {
	var all []*workItem
	hints := map[string]*workItem{}
	for i, m := range messages {
		partition, err := b.queue.Decode(m.Body)
		switch {
		case err == nil && hints[partition] != nil:
			hints[partition].messages = append(hints[partition].messages, i)
			continue
		case err == nil:
			p := &workItem{name: partition, messages: []int{i}, run: func(ctx context.Context) error { return b.queue.Advance(ctx, partition) }}
			hints[partition] = p
			all = append(all, p)
			continue
		}
		if o, oerr := trigger.DecodeAsyncResult([]byte(m.Body)); oerr == nil && b.queue.AsyncResult != nil {
			all = append(all, &workItem{name: "outcome of " + o.RequestID, messages: []int{i}, order: 1,
				run: func(ctx context.Context) error { return b.queue.AsyncResult(ctx, o) }})
			continue
		}
		slog.Error("message not understood; it goes to the dead-letter queue", "message", m.ID, "queue", m.Source, "receives", m.Receives, "err", err)
		b.failed[i] = true
	}
	slices.SortStableFunc(all, func(a, b *workItem) int { return a.order - b.order })
	return all
}

// callRecovered makes a panic an error, so that one piece of work does not take the others down.
func callRecovered(ctx context.Context, work func(context.Context) error) (err error) {
	defer recoverTo(&err)
	return work(ctx)
}
