package mnsqueue

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
)

// Send implements queue.Sender. It merges hints of one partition in one call, with the shortest of
// their delays. A hint that cannot be encoded, such as one without a partition, is an error; the
// others are sent. Send retries transient failures a few times: a hint that arrives twice is
// harmless.
func (q *Queue) Send(ctx context.Context, hints ...queue.Hint) error {
	return queue.BatchSender[mns.OutgoingMessage]{DelayMax: DelayMax, Entry: entry,
		BatchSize: batchOf, Send: q.sendBatch, IsPermanent: isPermanent}.SendAll(ctx, hints)
}

// SendText sends a text that is no hint, such as a record that arrived too early, for delivery
// after a delay. The body is base64, as for hints, or the text itself if only that is short enough.
// If the text is too large for a message, the error wraps queue.ErrBody.
func (q *Queue) SendText(ctx context.Context, text []byte, delay time.Duration) error {
	body := base64.StdEncoding.EncodeToString(text)
	if len(body) > mns.BytesMax {
		body = inXML.Replace(string(text))
	}
	if len(body) > mns.BytesMax {
		return fmt.Errorf("%w: a text of %d bytes is more than a message takes", queue.ErrBody,
			len(text))
	}
	return q.sendBatch(ctx, []mns.OutgoingMessage{{Body: body, Delay: min(delay, DelayMax)}})
}

// inXML escapes the characters of a JSON text that XML does not allow.
var inXML = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

func entry(m queue.Hint) (mns.OutgoingMessage, error) {
	text, err := Encode(m.Partition)
	return mns.OutgoingMessage{Body: text, Delay: m.Delay}, err
}

// batchOf returns how many of the entries go into one request. The service limits their number and
// their total bytes.
func batchOf(entries []mns.OutgoingMessage) int {
	bytes := 0
	for i, e := range entries {
		if bytes += len(e.Body); i == mns.BatchMax || i > 0 && bytes > mns.BytesMax {
			return i
		}
	}
	return len(entries)
}

// sendAttemptsMax is how often messages are sent that the service does not accept for a transient
// reason.
const sendAttemptsMax = 4

func (q *Queue) sendBatch(ctx context.Context, entries []mns.OutgoingMessage) error {
	const op = "BatchSendMessage"
	for n := 1; ; n++ {
		failed, err := q.sendOnce(ctx, entries)
		if err == nil && failed != nil {
			if entries, err = refusedEntries(entries, failed); len(entries) == 0 {
				return q.explain(op, err)
			}
		}
		if err == nil {
			return nil
		}
		if isPermanent(err) || ctx.Err() != nil || n == sendAttemptsMax || !queue.Backoff(ctx, n) {
			return q.explain(op, err)
		}
	}
}

// requestTimeout bounds one request, because a connection may fail without an error.
const requestTimeout = 10 * time.Second

func (q *Queue) sendOnce(ctx context.Context, entries []mns.OutgoingMessage) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return q.o.Client.Send(ctx, q.o.Name, entries)
}

// refusedEntries returns the rejected entries, and an error with the reason of the first.
func refusedEntries(
	entries []mns.OutgoingMessage, failed []error,
) (again []mns.OutgoingMessage, err error) {
	for i, e := range entries {
		if failed[i] == nil {
			continue
		}
		if again = append(again, e); err == nil {
			err = failed[i]
		}
	}
	return again, fmt.Errorf("%d of %d hints were rejected: %w", len(again), len(entries), err)
}
