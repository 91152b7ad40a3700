package mnsqueue

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue/rest"
)

// Send implements queue.Sender. Hints of one partition in one call are sent as one, at the earliest of their times.
// A hint that cannot be one, such as one without a partition, is an error; the others are sent. Failures that pass are
// tried again a few times: a hint that arrives twice does no harm.
func (q *Queue) Send(ctx context.Context, messages ...queue.Message) error {
	return queue.Batches[rest.Out]{DelayMax: DelayMax, Entry: entry, Fit: batchOf, Send: q.sendBatch, Lasting: lasting}.Deliver(ctx, messages)
}

// SendText sends a text that is no hint, such as a record that came too early, to be delivered
// after a delay: in base64 as hints are, or as it is when only that is short enough. An error that
// wraps queue.ErrBody says that no message takes it.
func (q *Queue) SendText(ctx context.Context, text []byte, delay time.Duration) error {
	body := base64.StdEncoding.EncodeToString(text)
	if len(body) > rest.BytesMax {
		body = inXML.Replace(string(text))
	}
	if len(body) > rest.BytesMax {
		return fmt.Errorf("%w: a text of %d bytes is more than a message takes", queue.ErrBody, len(text))
	}
	return q.sendBatch(ctx, []rest.Out{{Body: body, Delay: min(delay, DelayMax)}})
}

// inXML writes the characters of a JSON text that XML has not.
var inXML = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

func entry(m queue.Message) (rest.Out, error) {
	text, err := Encode(m.Partition)
	return rest.Out{Body: text, Delay: m.Delay}, err
}

// batchOf is how many of the entries go into one request: the service limits their number and their bytes.
func batchOf(entries []rest.Out) int {
	bytes := 0
	for i, e := range entries {
		if bytes += len(e.Body); i == rest.BatchMax || i > 0 && bytes > rest.BytesMax {
			return i
		}
	}
	return len(entries)
}

// sendTries is how often messages are sent that the service has not taken for a reason that passes.
const sendTries = 4

func (q *Queue) sendBatch(ctx context.Context, entries []rest.Out) error {
	const op = "BatchSendMessage"
	for n := 1; ; n++ {
		q.requests.Count(op)
		failed, err := q.try(ctx, entries)
		if err == nil && failed != nil {
			if entries, err = left(entries, failed); len(entries) == 0 {
				return q.explain(op, err)
			}
		}
		if err == nil {
			return nil
		}
		if lasting(err) || ctx.Err() != nil || n == sendTries || !queue.Pause(ctx, n) {
			return q.explain(op, err)
		}
	}
}

// tryTime bounds one request, so that a connection that has died without a word is not waited for.
const tryTime = 10 * time.Second

func (q *Queue) try(ctx context.Context, entries []rest.Out) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return q.o.Client.Send(ctx, q.o.Name, entries)
}

// left are the entries that were refused, and why the first one was.
func left(entries []rest.Out, failed []error) (again []rest.Out, err error) {
	for i, e := range entries {
		if failed[i] == nil {
			continue
		}
		if again = append(again, e); err == nil {
			err = failed[i]
		}
	}
	return again, fmt.Errorf("%d of %d hints were refused: %w", len(again), len(entries), err)
}
