package sqsqueue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/queue"
)

// batchMax is the maximum number of messages in a request.
const batchMax = 10

// Send implements queue.Sender. It merges hints of one partition in one call, with the shortest of
// their delays. A hint that cannot be encoded, such as one without a partition, is an error; the
// others are sent.
func (q *Queue) Send(ctx context.Context, hints ...queue.Hint) error {
	return queue.BatchSender[entry]{DelayMax: DelayMax, Entry: q.entry, BatchSize: batchOf,
		Send: q.sendBatch, IsPermanent: isPermanent}.SendAll(ctx, hints)
}

// SendText sends a text in JSON that is no hint, such as a record that arrived too early, for
// delivery after a delay. If the text is too large for a message, the error wraps queue.ErrBody.
func (q *Queue) SendText(ctx context.Context, text []byte, delay time.Duration) error {
	body := inXML.Replace(string(text))
	if len(body) > textMax {
		return fmt.Errorf("%w: a text of %d bytes is more than a message takes", queue.ErrBody,
			len(text))
	}
	return q.sendBatch(ctx, []entry{
		{MessageBody: &body, DelaySeconds: wholeSeconds(min(delay, DelayMax))},
	})
}

// textMax is the maximum size of a message in SQS, in bytes.
const textMax = 256 << 10

// inXML escapes the characters of a JSON text that XML does not allow.
var inXML = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

// entry is a message as SQS expects it. sendBatch sets the id, which is unique in a request.
type entry = types.SendMessageBatchRequestEntry

func (q *Queue) entry(m queue.Hint) (entry, error) {
	text, err := Encode(m.Partition)
	e := entry{MessageBody: &text, DelaySeconds: wholeSeconds(m.Delay)}
	if group := groupOf(m.Partition); q.o.Fair && group != "" {
		e.MessageGroupId = &group
	}
	return e, err
}

func batchOf(entries []entry) int { return min(len(entries), batchMax) }

// wholeSeconds converts a time to SQS's seconds, rounded up.
func wholeSeconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// groupOf returns the message group of a partition x#<flow>#<execution>: the flow. It returns "" if
// there is no flow that SQS accepts as a group.
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

// sendAttemptsMax is how often entries are sent that SQS rejects because of a fault of its own.
const sendAttemptsMax = 4

func (q *Queue) sendBatch(ctx context.Context, entries []entry) error {
	const op = "SendMessageBatch"
	for i := range entries {
		entries[i].Id = aws.String(strconv.Itoa(i))
	}
	for n := 1; ; n++ {
		out, err := q.o.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
			QueueUrl: &q.o.URL, Entries: entries,
		})
		if err != nil {
			return q.explain(op, err)
		}
		if len(out.Failed) == 0 {
			return nil
		}
		f := out.Failed[0]
		again := refusedEntries(entries, out.Failed)
		if len(again) == 0 || n == sendAttemptsMax || !queue.Backoff(ctx, n) {
			return q.explain(op,
				fmt.Errorf("%d of %d hints were rejected: %s: %s", len(out.Failed), len(entries),
					aws.ToString(f.Code), aws.ToString(f.Message)))
		}
		if len(again) < len(out.Failed) {
			q.o.Log.Warn("hints rejected", "queue", q.o.URL, "code", aws.ToString(f.Code),
				"message", aws.ToString(f.Message))
		}
		entries = again
	}
}

// refusedEntries returns the entries that SQS rejected because of a fault of its own, to be sent
// again.
func refusedEntries(entries []entry, failures []types.BatchResultErrorEntry) (again []entry) {
	for _, f := range failures {
		for _, e := range entries {
			if !f.SenderFault && aws.ToString(e.Id) == aws.ToString(f.Id) {
				again = append(again, e)
			}
		}
	}
	return again
}
