package sqsqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/queue"
)

// batchMax is how many messages a request takes.
const batchMax = 10

// Send implements queue.Sender. Hints of one partition in one call are sent as one, at the earliest of their times.
// A hint that cannot be one, such as one without a partition, is an error; the others are sent.
func (q *Queue) Send(ctx context.Context, messages ...queue.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := q.entries(messages)
	errs := []error{err}
	for len(entries) > 0 {
		n := min(len(entries), batchMax)
		if err := q.sendBatch(ctx, entries[:n]); err != nil {
			errs = append(errs, err)
			if ctx.Err() != nil || lasting(err) {
				break
			}
		}
		entries = entries[n:]
	}
	return errors.Join(errs...)
}

// entries merges messages and writes them as SQS takes them.
func (q *Queue) entries(messages []queue.Message) ([]types.SendMessageBatchRequestEntry, error) {
	entries := make([]types.SendMessageBatchRequestEntry, 0, len(messages))
	var bad error
	for _, m := range queue.Merge(messages, DelayMax) {
		text, err := Encode(m.Partition)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(len(entries) % batchMax)), MessageBody: &text, DelaySeconds: wholeSeconds(m.Delay)}
		if group := groupOf(m.Partition); q.o.Fair && group != "" {
			e.MessageGroupId = &group
		}
		entries = append(entries, e)
	}
	return entries, bad
}

// wholeSeconds is a time as SQS takes it, never shorter.
func wholeSeconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// groupOf is the message group of a partition x#<flow>#<execution>: the flow. "" where there is none that SQS takes.
func groupOf(partition string) string {
	rest, ok := strings.CutPrefix(partition, "x#")
	flow, _, found := strings.Cut(rest, "#")
	if !ok || !found || len(flow) > 128 {
		return ""
	}
	for _, r := range flow {
		if r <= ' ' || r > '~' {
			return ""
		}
	}
	return flow
}

// sendTries is how often entries are sent that SQS has refused for a fault of its own.
const sendTries = 4

func (q *Queue) sendBatch(ctx context.Context, entries []types.SendMessageBatchRequestEntry) error {
	const op = "SendMessageBatch"
	for n := 1; ; n++ {
		q.requests.Count(op)
		out, err := q.o.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.o.URL, Entries: entries})
		if err != nil {
			return q.explain(op, err)
		}
		if len(out.Failed) == 0 {
			return nil
		}
		f := out.Failed[0]
		again := failed(entries, out.Failed)
		if len(again) == 0 || n == sendTries || !queue.Pause(ctx, n) {
			return q.explain(op, fmt.Errorf("%d of %d hints were refused: %s: %s", len(out.Failed), len(entries), aws.ToString(f.Code), aws.ToString(f.Message)))
		}
		if len(again) < len(out.Failed) {
			q.o.Log.Warn("hints refused", "queue", q.o.URL, "code", aws.ToString(f.Code), "message", aws.ToString(f.Message))
		}
		entries = again
	}
}

// failed are the entries that are worth sending again.
func failed(entries []types.SendMessageBatchRequestEntry, failures []types.BatchResultErrorEntry) (again []types.SendMessageBatchRequestEntry) {
	for _, f := range failures {
		for _, e := range entries {
			if !f.SenderFault && aws.ToString(e.Id) == aws.ToString(f.Id) {
				again = append(again, e)
			}
		}
	}
	return again
}
