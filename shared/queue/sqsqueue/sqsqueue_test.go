package sqsqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/queue"
	"millrace/shared/queue/queuetest"
	"millrace/shared/queue/sqsqueue"
	"millrace/tests/clouds/emulators"
)

var queues atomic.Int64

// open creates an empty queue. If transport is not nil, calls go through it.
func open(
	t *testing.T, endpoint string, transport http.RoundTripper, o sqsqueue.Options,
) (*sqsqueue.Queue, *sqs.Client, string) {
	t.Helper()
	client := sqs.NewFromConfig(emulators.Config(endpoint, transport))
	name := fmt.Sprint("millrace-", queues.Add(1))
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	o.Client, o.URL, o.Log = client, *out.QueueUrl, slog.New(slog.NewTextHandler(t.Output(), nil))
	return sqsqueue.New(o), client, o.URL
}

func TestConformance(t *testing.T) {
	endpoint := emulators.StartFauxqs(t)
	queuetest.Run(t, queuetest.Options{}, func(t *testing.T) queuetest.Harness {
		t.Parallel()
		// A request that outlives its consumer hides a message for this long.
		q, _, _ := open(t, endpoint, nil, sqsqueue.Options{Visibility: 2 * time.Second})
		return queuetest.Harness{Sender: q, Consume: q.Consume}
	})
}

// recorded accepts sends in place of the service and records them.
type recorded struct {
	mu     sync.Mutex
	bodies []string
}

func (r *recorded) answer(c emulators.Call) (*http.Response, error) {
	if c.Op != "SendMessageBatch" {
		return c.Send()
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, string(c.Body))
	r.mu.Unlock()
	return emulators.Answer(http.StatusOK, `{"Successful":[],"Failed":[]}`), nil
}

func TestDelayIsCut(t *testing.T) {
	r := &recorded{}
	q := sqsqueue.New(sqsqueue.Options{
		Client: sqs.NewFromConfig(emulators.Config("http://127.0.0.1:1",
			emulators.Faulty(r.answer))), URL: "http://127.0.0.1:1/1/q",
	})
	for _, c := range []struct {
		delay time.Duration
		want  string
	}{
		{-time.Hour, ""}, {0, ""}, {time.Nanosecond, `"DelaySeconds":1`},
		{time.Second, `"DelaySeconds":1`},
		{1001 * time.Millisecond, `"DelaySeconds":2`}, {900 * time.Second, `"DelaySeconds":900`},
		{901 * time.Second, `"DelaySeconds":900`},
		{1<<63 - 1, `"DelaySeconds":900`},
	} {
		r.bodies = nil
		if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a", Delay: c.delay}); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(r.bodies[0], `"DelaySeconds":0`, ""); !strings.Contains(got,
			c.want) || c.want == "" && strings.Contains(got, "DelaySeconds") {
			t.Errorf("%v: sent %s, want %s", c.delay, got, c.want)
		}
	}
}

// TestRequests: SQS bills requests. A request holds ten hints, and hints of one partition are
// merged.
func TestRequests(t *testing.T) {
	r := &recorded{}
	o := sqsqueue.Options{
		Client: sqs.NewFromConfig(emulators.Config("http://127.0.0.1:1",
			emulators.Faulty(r.answer))), URL: "http://127.0.0.1:1/1/q", Fair: true,
	}
	q := sqsqueue.New(o)
	var messages []queue.Hint
	for i := range 60 {
		messages = append(messages, queue.Hint{
			Partition: fmt.Sprint("x#flow-1#", i%25), Delay: time.Duration(100-i) * time.Second,
		})
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if n := len(r.bodies); n != 3 {
		t.Errorf("%d requests for 25 hints", n)
	}
	if !strings.Contains(r.bodies[0], `"MessageGroupId":"flow-1"`) {
		t.Errorf("no group in %s", r.bodies[0])
	}
	if !strings.Contains(r.bodies[0], `"DelaySeconds":50,`) {
		t.Errorf("not the earliest time in %s", r.bodies[0])
	}
}

// TestPartialFailure: a batch of which some entries fail is sent again without the others; entries
// that fail by the sender's fault are not sent again.
func TestPartialFailure(t *testing.T) {
	var n atomic.Int64
	var second string
	partial := func(c emulators.Call) (*http.Response, error) {
		if n.Add(1) == 1 {
			return emulators.Answer(http.StatusOK,
				`{"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false},`+
					`{"Id":"2","Code":"Bad","SenderFault":true}]}`), nil
		}
		second = string(c.Body)
		return emulators.Answer(http.StatusOK, `{"Successful":[]}`), nil
	}
	q := sqsqueue.New(sqsqueue.Options{
		Client: sqs.NewFromConfig(emulators.Config("http://127.0.0.1:1",
			emulators.Faulty(partial))), URL: "http://127.0.0.1:1/1/q",
	})
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}, queue.Hint{Partition: "x#1#b"},
		queue.Hint{Partition: "x#1#c"}); err != nil {
		t.Fatal(err)
	}
	if n.Load() != 2 || !strings.Contains(second, "x#1#b") || strings.Contains(second, "x#1#a") ||
		strings.Contains(second, "x#1#c") {
		t.Errorf("%d requests, the second: %s", n.Load(), second)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name, url, code, want string
		status                int
	}{
		{"missing", "", "AWS.SimpleQueueService.NonExistentQueue", "there is no such queue", 400},
		{"missing, by its shape", "", "QueueDoesNotExist", "there is no such queue", 400},
		{"permission", "", "AccessDenied", "sqs:SendMessage", 403},
		{"credentials", "", "InvalidClientTokenId", "credentials", 403},
		{"key", "", "KmsAccessDenied", "kms:GenerateDataKey", 400},
		{
			"region", "https://sqs.eu-west-1.amazonaws.com/1/q",
			"AWS.SimpleQueueService.NonExistentQueue", `in region "eu-west-1"`, 400,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuse := func(call emulators.Call) (*http.Response, error) {
				return call.Refuse(c.status, c.code, "no")
			}
			if c.url == "" {
				c.url = "https://sqs.us-east-1.amazonaws.com/1/q"
			}
			q := sqsqueue.New(sqsqueue.Options{
				Client: sqs.NewFromConfig(emulators.Config("http://127.0.0.1:1",
					emulators.Faulty(refuse))), URL: c.url,
			})
			if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err == nil ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("Send: %v, want %q in it", err, c.want)
			}
			err := q.Consume(t.Context(), func(context.Context, string) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Consume: %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestMissingQueueOfTheEmulator(t *testing.T) {
	endpoint := emulators.StartFauxqs(t)
	q := sqsqueue.New(sqsqueue.Options{
		Client: sqs.NewFromConfig(emulators.Config(endpoint, nil)),
		URL:    endpoint + "/000000000000/nobody",
	})
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err == nil ||
		!strings.Contains(err.Error(), "there is no such queue") {
		t.Errorf("got %v", err)
	}
}

// TestPoison: a message that is no hint goes to the dead-letter queue and does not hold up the
// others.
func TestPoison(t *testing.T) {
	endpoint := emulators.StartFauxqs(t)
	q, client, url := open(t, endpoint, nil, sqsqueue.Options{
		BackoffMin: time.Second, BackoffMax: time.Second,
	})
	_, _, dead := open(t, endpoint, nil, sqsqueue.Options{})
	attributes, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &dead, AttributeNames: []types.QueueAttributeName{"QueueArn"},
	})
	if err != nil {
		t.Fatal(err)
	}
	rule := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`,
		attributes.Attributes["QueueArn"])
	if _, err := client.SetQueueAttributes(t.Context(),
		&sqs.SetQueueAttributesInput{QueueUrl: &url,
			Attributes: map[string]string{"RedrivePolicy": rule}}); err != nil {
		t.Fatal(err)
	}
	poison := []string{"not JSON", `{"v":2,"p":"x#1#newer"}`, `{"v":1}`, `[]`}
	for _, body := range poison {
		if _, err := client.SendMessage(t.Context(),
			&sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#good"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, consumed := make(chan string, 10), make(chan error)
	go func() {
		consumed <- q.Consume(ctx, func(_ context.Context, p string) error {
			got <- p
			return nil
		})
	}()
	if p := <-got; p != "x#1#good" {
		t.Errorf("delivered %q", p)
	}
	found := map[string]bool{}
	for len(found) < len(poison) {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &dead, WaitTimeSeconds: 20, MaxNumberOfMessages: 10,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			found[aws.ToString(m.Body)] = true
		}
	}
	cancel()
	if err := <-consumed; !errors.Is(err, context.Canceled) {
		t.Errorf("Consume: %v", err)
	}
	for _, body := range poison {
		if !found[body] {
			t.Errorf("%s is not in the dead-letter queue", body)
		}
	}
}

// TestLongHandler: if a handler runs longer than the visibility, its message is not delivered to
// another.
func TestLongHandler(t *testing.T) {
	t.Parallel() // it waits
	endpoint := emulators.StartFauxqs(t)
	// A renewal, which is made every two seconds, may be four seconds late.
	q, _, _ := open(t, endpoint, nil, sqsqueue.Options{Visibility: 6 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	var n atomic.Int64
	ended, consumed := make(chan struct{}), make(chan error)
	go func() {
		consumed <- q.Consume(ctx, func(context.Context, string) error {
			if n.Add(1) == 1 {
				time.Sleep(8 * time.Second)
				close(ended)
			}
			return nil
		})
	}()
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#long"}); err != nil {
		t.Fatal(err)
	}
	<-ended
	time.Sleep(1500 * time.Millisecond)
	cancel()
	<-consumed
	if n.Load() != 1 {
		t.Errorf("delivered %d times", n.Load())
	}
}
