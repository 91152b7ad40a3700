package faas

import (
	"context"
	"fmt"
	"log/slog"

	"millrace/shared/events"
)

// consumeMNS processes messages of Alibaba Cloud, which are acknowledged as a whole: an error
// causes all of them to be delivered again. So only a fault that may pass, such as an unreachable
// store, is an error. A message that cannot be decoded is logged and dropped; the sweeper repeats a
// lost hint.
//
// If q.Dispatch is set, consumeMNS dispatches the work instead of doing it. Its own invocation
// holds one of few slots and must end within five minutes, and its slowest message would delay the
// others.
func (q QueueHandlers) consumeMNS(ctx context.Context, event []byte) error {
	messages, err := events.DecodeMNS(event)
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
	for _, f := range b.failed {
		if f {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d messages failed; the batch comes again", failed, len(messages))
	}
	return nil
}

// filterDecodable returns the messages that can be decoded.
func (q QueueHandlers) filterDecodable(messages []events.Message) []events.Message {
	known := make([]events.Message, 0, len(messages))
	for _, m := range messages {
		_, err := q.Decode(m.Body)
		if err != nil && q.AsyncResult != nil {
			if _, oerr := events.DecodeAsyncResult([]byte(m.Body)); oerr == nil {
				err = nil
			}
		}
		if err != nil {
			slog.Error("message not understood; it is dropped", "message", m.ID, "queue", m.Source,
				"err", err)
			continue
		}
		known = append(known, m)
	}
	return known
}

// consumeHint advances the execution of one hint, for which the function was invoked.
func (q QueueHandlers) consumeHint(ctx context.Context, event []byte) error {
	partition, err := q.Decode(string(event))
	if err != nil {
		slog.Error("hint not understood; it is dropped", "err", err)
		return nil
	}
	return q.Advance(ctx, partition)
}
