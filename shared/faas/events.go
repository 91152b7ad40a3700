package faas

import (
	"context"
	"errors"
	"log/slog"

	"millrace/shared/events"
)

// Events passes events that may start executions to handle, either directly from their source or as
// messages. It decides between the two by the envelope alone and does not look into the text of a
// message, because a sender that may write to a queue can write any text.
//
// Events tries all parts of an event. For SQS only the failed messages are delivered again. Every
// other event is delivered again as a whole, which does not start anything twice.
func Events(handle func(context.Context, events.Delivery) error) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		decode := events.DecodeMNS
		switch events.KindOf(event) {
		case events.QueueBatch:
			return handleBatch(ctx, event, handle)
		case events.TopicEvent:
			decode = events.DecodeTopic
		case events.MNSBatch:
		default:
			d := events.Delivery{Message: events.Message{Body: string(event)}, Direct: true}
			return nil, callRecovered(ctx, func(ctx context.Context) error {
				return handle(ctx, d)
			})
		}
		messages, err := decode(event)
		_, failed := handleAll(ctx, messages, handle)
		return nil, errors.Join(err, failed)
	}
}

// handleBatch handles the messages of SQS. If a message has no id, the whole batch must fail,
// because SQS can only redeliver a message by its id.
func handleBatch(
	ctx context.Context, event []byte, handle func(context.Context, events.Delivery) error,
) ([]byte, error) {
	messages, err := events.DecodeBatch(event)
	failed, _ := handleAll(ctx, messages, handle)
	if err != nil {
		return nil, err
	}
	return events.BatchReply(failed), nil
}

// handleAll handles messages one by one. It returns the ids of the failed messages, and their
// errors.
func handleAll(
	ctx context.Context, messages []events.Message,
	handle func(context.Context, events.Delivery) error,
) (failed []string, err error) {
	var errs []error
	for _, m := range messages {
		err := callRecovered(ctx, func(ctx context.Context) error {
			return handle(ctx, events.Delivery{Message: m})
		})
		if err != nil {
			slog.ErrorContext(ctx, "event failed; its message comes again", "message", m.ID,
				"queue", m.Source, "receives", m.Receives, "err", err)
			failed, errs = append(failed, m.ID), append(errs, err)
		}
	}
	return failed, errors.Join(errs...)
}

// Tick calls f for every tick of the scheduler.
func Tick(f func(context.Context) error) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if err := events.DecodeTick(event); err != nil {
			return nil, err
		}
		return nil, f(ctx)
	}
}
