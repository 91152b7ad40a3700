package platform

import (
	"context"
	"errors"
	"log/slog"

	"millrace/shared/trigger"
)

// Events hands events that may start executions to take: straight from their source, or as messages
// of what is between. It decides by the envelope alone which of the two they are, and leaves the
// text of a message to take: a sender that may put a message into a queue may write anything into
// it.
//
// All parts of an event are tried. Of SQS only the messages that failed come again; everything else
// comes again as a whole, which is harmless for what has been started.
func Events(handle func(context.Context, trigger.Delivery) error) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		decode := trigger.DecodeMNS
		switch trigger.KindOf(event) {
		case trigger.QueueBatch:
			return handleBatch(ctx, event, handle)
		case trigger.TopicEvent:
			decode = trigger.DecodeTopic
		case trigger.MNSBatch:
		default:
			d := trigger.Delivery{Message: trigger.Message{Body: string(event)}, Direct: true}
			return nil, callRecovered(ctx, func(ctx context.Context) error { return handle(ctx, d) })
		}
		messages, err := decode(event)
		_, failed := handleAll(ctx, messages, handle)
		return nil, errors.Join(err, failed)
	}
}

// handleBatch takes the messages of SQS. A message without an id cannot be asked for again by itself.
func handleBatch(ctx context.Context, event []byte, take func(context.Context, trigger.Delivery) error) ([]byte, error) {
	messages, err := trigger.DecodeBatch(event)
	failed, _ := handleAll(ctx, messages, take)
	if err != nil {
		return nil, err
	}
	return trigger.BatchReply(failed), nil
}

// handleAll takes messages one by one, and returns the ids of those that failed and why.
func handleAll(
	ctx context.Context, messages []trigger.Message, take func(context.Context, trigger.Delivery) error,
) (failed []string, err error) {
	var errs []error
	for _, m := range messages {
		err := callRecovered(ctx, func(ctx context.Context) error { return take(ctx, trigger.Delivery{Message: m}) })
		if err != nil {
			slog.ErrorContext(ctx, "event failed; its message comes again", "message", m.ID,
				"queue", m.Source, "receives", m.Receives, "err", err)
			failed, errs = append(failed, m.ID), append(errs, err)
		}
	}
	return failed, errors.Join(errs...)
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
