package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Poller is the event source mapping of a queue. It reads batches, invokes the function with each,
// and deletes the messages that the function does not report as failed.
type Poller struct {
	Client     *sqs.Client
	URL        string
	ARN        string
	Invoke     func(event []byte) ([]byte, error)
	Batch      int           // messages in a batch
	Concurrent int           // concurrent batches
	Visibility time.Duration // until a failed message comes again

	// Faults of a standard queue that the emulator does not have, with their probabilities: a
	// message is delivered twice, is delayed for a while so that others overtake it, or is lost.
	Twice, Late, Lost float64
	Random            *rand.Rand // for the faults
	LateMax           time.Duration

	// Batches and Failed count the delivered batches and the failed ones.
	Batches, Failed atomic.Int64

	busy atomic.Int64 // batches in progress

	mu sync.Mutex // guards Random
}

// Run polls until ctx ends and all batches in progress are done.
func (p *Poller) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, p.Concurrent)
	for ctx.Err() == nil {
		slots <- struct{}{}
		out, err := p.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &p.URL,
			MaxNumberOfMessages: int32(p.Batch), WaitTimeSeconds: 1,
			VisibilityTimeout: int32(p.Visibility / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{
				types.MessageSystemAttributeNameAll}})
		if err != nil || len(out.Messages) == 0 {
			<-slots
			continue
		}
		p.busy.Add(1)
		work.Go(func() {
			defer func() { <-slots }()
			defer p.busy.Add(-1)
			p.deliver(ctx, out.Messages)
		})
	}
}

// Busy reports whether a batch is in progress.
func (p *Poller) Busy() bool { return p.busy.Load() > 0 }

// Heal ends all faults.
func (p *Poller) Heal() { p.Disturb(0, 0, 0) }

// Disturb changes the probabilities of faults.
func (p *Poller) Disturb(twice, late, lost float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Twice, p.Late, p.Lost = twice, late, lost
}

// chance draws whether a fault happens.
func (p *Poller) chance(probability *float64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *probability > 0 && p.Random.Float64() < *probability
}

// deliver invokes the function with a batch, with faults.
func (p *Poller) deliver(ctx context.Context, messages []types.Message) {
	var batch, twice []types.Message
	for _, m := range messages {
		switch {
		case p.chance(&p.Lost):
			p.remove(m)
			continue
		case p.chance(&p.Late):
			p.mu.Lock()
			pause := time.Duration(p.Random.Int64N(int64(p.LateMax)))
			p.mu.Unlock()
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		if p.chance(&p.Twice) {
			twice = append(twice, m)
		}
		batch = append(batch, m)
	}
	if len(batch) == 0 {
		return
	}
	var second sync.WaitGroup
	if len(twice) > 0 {
		second.Go(func() { p.Invoke(p.event(twice)) })
	}
	p.Batches.Add(1)
	response, err := p.Invoke(p.event(batch))
	failed := failedItems(response, err, batch)
	p.Failed.Add(int64(len(failed)))
	for _, m := range batch {
		if !failed[*m.MessageId] {
			p.remove(m)
		}
	}
	second.Wait()
}

func (p *Poller) remove(m types.Message) {
	p.Client.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &p.URL,
		ReceiptHandle: m.ReceiptHandle})
}

// event returns a batch in Lambda's form.
func (p *Poller) event(messages []types.Message) []byte {
	var records []map[string]any
	for _, m := range messages {
		records = append(records, map[string]any{"messageId": *m.MessageId,
			"receiptHandle": *m.ReceiptHandle, "body": *m.Body,
			"attributes": m.Attributes, "messageAttributes": map[string]any{},
			"md5OfBody": *m.MD5OfBody, "eventSource": "aws:sqs",
			"eventSourceARN": p.ARN, "awsRegion": "us-east-1"})
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err)
	}
	return text
}

// failedItems returns the messages that must come again: those that the response names, or all if
// it cannot be read, as Lambda does with ReportBatchItemFailures.
func failedItems(response []byte, err error, batch []types.Message) map[string]bool {
	failed := map[string]bool{}
	known := map[string]bool{}
	for _, m := range batch {
		known[*m.MessageId] = true
	}
	if err != nil {
		return known
	}
	if len(response) == 0 || strings.TrimSpace(string(response)) == "null" {
		return failed
	}
	var r struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(response, &r) != nil {
		return known
	}
	for _, f := range r.Failures {
		if !known[f.ID] {
			return known
		}
		failed[f.ID] = true
	}
	return failed
}

// String describes what the poller has done.
func (p *Poller) String() string {
	return fmt.Sprintf("%d batches, %d messages failed", p.Batches.Load(), p.Failed.Load())
}
