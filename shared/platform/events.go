package platform

import (
	"context"
	"log/slog"

	"millrace/shared/trigger"
)

// Events hands events that may start executions to start: straight from their source, or from a queue between, where
// only the messages that failed come again.
func Events(start func(context.Context, []trigger.Start) error) Handler {
	one := func(ctx context.Context, event []byte) error {
		starts, err := trigger.DecodeStarts(event)
		if err != nil || len(starts) == 0 {
			return err
		}
		return carefully(ctx, func(ctx context.Context) error { return start(ctx, starts) })
	}
	return func(ctx context.Context, event []byte) ([]byte, error) {
		switch trigger.KindOf(event) {
		case trigger.QueueBatch:
		case trigger.MNSBatch:
			return nil, startMNS(ctx, event, start)
		default:
			return nil, one(ctx, event)
		}
		messages, err := trigger.DecodeBatch(event)
		if err != nil {
			return nil, err
		}
		var failed []string
		for _, m := range messages {
			if err := one(ctx, []byte(m.Body)); err != nil {
				slog.Error("event failed; its message comes again", "message", m.ID, "queue", m.Source, "receives", m.Receives, "err", err)
				failed = append(failed, m.ID)
			}
		}
		return trigger.BatchReply(failed), nil
	}
}

// Tick calls f for every tick of the clock.
func Tick(f func(context.Context) error) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if err := trigger.DecodeTick(event); err != nil {
			return nil, err
		}
		return nil, f(ctx)
	}
}
