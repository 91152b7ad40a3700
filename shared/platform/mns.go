package platform

import (
	"context"
	"fmt"
	"log/slog"

	"millrace/shared/trigger"
)

// consumeMNS works on messages that Alibaba Cloud brings, which are answered as a whole: an error brings all of them
// again. So only what may pass by itself is an error, such as a store that cannot be reached; a message that is not
// understood is logged and let go, since a hint that is lost is sent again by the sweeper.
//
// The work is dispatched where that is set up, not done: the invocation holds one of few slots and must end within five
// minutes, and its slowest message would hold up the others.
func (q QueueHandlers) consumeMNS(ctx context.Context, event []byte) error {
	messages, err := trigger.DecodeMNS(event)
	if err != nil {
		return err
	}
	if q.Dispatch != nil {
		q.Advance = q.Dispatch
	}
	known := q.filterDecodable(messages)
	b := &batch{queue: q, failed: make([]bool, len(known))}
	b.run(ctx, known)
	failed := 0
	for _, bad := range b.failed {
		if bad {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d messages failed; the batch comes again", failed, len(messages))
	}
	return nil
}

// filterDecodable are the messages that somebody can take.
func (q QueueHandlers) filterDecodable(messages []trigger.Message) []trigger.Message {
	known := make([]trigger.Message, 0, len(messages))
	for _, m := range messages {
		_, err := q.Decode(m.Body)
		if err != nil && q.AsyncResult != nil {
			if _, oerr := trigger.DecodeAsyncResult([]byte(m.Body)); oerr == nil {
				err = nil
			}
		}
		if err != nil {
			slog.Error("message not understood; it is let go", "message", m.ID, "queue", m.Source, "err", err)
			continue
		}
		known = append(known, m)
	}
	return known
}

// consumeHint works on the execution of one hint, for which the function was invoked by itself.
func (q QueueHandlers) consumeHint(ctx context.Context, event []byte) error {
	partition, err := q.Decode(string(event))
	if err != nil {
		slog.Error("hint not understood; it is let go", "err", err)
		return nil
	}
	return q.Advance(ctx, partition)
}
