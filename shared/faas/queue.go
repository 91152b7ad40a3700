package faas

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"millrace/shared/events"
)

// QueueHandlers are the handlers of the messages of the engine's queue.
type QueueHandlers struct {
	// Decode returns the partition that the body of a hint names. It returns an error if the body
	// is not a hint of a known format.
	Decode func(body string) (partition string, err error)
	// Advance loads an execution and advances it. It must return before ctx ends.
	Advance func(ctx context.Context, partition string) error
	// Dispatch starts an invocation of this function for one execution, with the hint as its event,
	// and does not wait for it. It is used for messages of MNS only. nil: Advance is called
	// instead.
	Dispatch func(ctx context.Context, partition string) error
	// AsyncResult processes the result of an asynchronous invocation. nil: such messages cannot be
	// decoded.
	AsyncResult func(ctx context.Context, o events.AsyncResult) error
}

// ConsumeQueue processes batches of messages. Hints of one execution become one work item; work
// items of different executions run concurrently. Only the messages of failed work items are
// delivered again. A message that cannot be decoded, sent by a newer program or by mistake, is
// logged and fails too, until the queue's redrive policy moves it to the dead-letter queue: nothing
// is lost, and the operator is informed.
func ConsumeQueue(q QueueHandlers) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		switch events.KindOf(event) {
		case events.MNSBatch:
			return nil, q.consumeMNS(ctx, event)
		case events.HintEvent:
			return nil, q.consumeHint(ctx, event)
		}
		messages, err := events.DecodeBatch(event)
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
		return events.BatchReply(failed), nil
	}
}

// workItemsMax is how many work items of a batch run concurrently.
const workItemsMax = 64

// batch is one batch of messages in progress.
type batch struct {
	queue  QueueHandlers
	failed []bool // by message; only the message's work item writes its element
}

// workItem is one unit of work and the messages that request it.
type workItem struct {
	name     string // for the log
	messages []int
	// order puts hints before async results, which functions of flows can send in any number.
	order int
	run   func(context.Context) error
}

func (b *batch) run(ctx context.Context, messages []events.Message) {
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

// workItems merges messages into work items.
func (b *batch) workItems(messages []events.Message) []*workItem {
	var all []*workItem
	hints := map[string]*workItem{}
	for i, m := range messages {
		partition, err := b.queue.Decode(m.Body)
		switch {
		case err == nil && hints[partition] != nil:
			hints[partition].messages = append(hints[partition].messages, i)
			continue
		case err == nil:
			p := &workItem{
				name:     partition,
				messages: []int{i},
				run: func(ctx context.Context) error {
					return b.queue.Advance(ctx, partition)
				},
			}
			hints[partition] = p
			all = append(all, p)
			continue
		}
		if o, oerr := events.DecodeAsyncResult([]byte(m.Body)); oerr == nil &&
			b.queue.AsyncResult != nil {
			all = append(all, &workItem{
				name:     "outcome of " + o.RequestID,
				messages: []int{i},
				order:    1,
				run:      func(ctx context.Context) error { return b.queue.AsyncResult(ctx, o) },
			})
			continue
		}
		slog.Error("message not understood; it goes to the dead-letter queue", "message", m.ID,
			"queue", m.Source, "receives", m.Receives, "err", err)
		b.failed[i] = true
	}
	slices.SortStableFunc(all, func(a, b *workItem) int { return a.order - b.order })
	return all
}

// callRecovered converts a panic to an error, so that one work item does not end the others.
func callRecovered(ctx context.Context, work func(context.Context) error) (err error) {
	defer recoverTo(&err)
	return work(ctx)
}
