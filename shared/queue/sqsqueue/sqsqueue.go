// Package sqsqueue is the queue over a standard queue of Amazon SQS. A message is a hint in JSON; see Decode. Lambda
// delivers them to functions by itself; Consume is for processes that stay.
package sqsqueue

import (
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/shared/queue"
)

// DelayMax is the longest delay of a message; longer ones are cut to it.
const DelayMax = 900 * time.Second

// Options of a Queue.
type Options struct {
	Client *sqs.Client
	URL    string // of the queue

	// Fair gives each message the group of its flow, so that a flow with many hints does not hold up the others (fair
	// queues). Not every region's queues take groups.
	Fair bool

	Log *slog.Logger // nil: nowhere

	// For Consume only.
	Workers    int           // deliveries at a time; 0: 64
	Visibility time.Duration // how long a delivery is hidden, renewed while its handler runs; 0: 30 s
	Wait       time.Duration // how long a request waits for messages; 0: 20 s, the most
	BackoffMin time.Duration // until the first delivery after an error, doubled with each further one; 0: 1 s
	BackoffMax time.Duration // 0: 5 min
}

// Queue is a queue.Sender. It makes no request before the first call: what is wrong with the queue, the permissions or
// the region is told by the call that meets it.
type Queue struct {
	o        Options
	region   string // of the client
	requests queue.RequestCounter
}

var _ queue.Sender = (*Queue)(nil)

// New returns a Queue. It makes no request.
func New(o Options) *Queue {
	setDefault(&o.Visibility, 30*time.Second)
	setDefault(&o.Wait, 20*time.Second)
	setDefault(&o.BackoffMin, time.Second)
	setDefault(&o.BackoffMax, 5*time.Minute)
	if o.Workers <= 0 {
		o.Workers = 64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{o: o, region: o.Client.Options().Region}
}

func setDefault(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// Requests returns how many requests have been made, by operation. SQS bills each (64 KB a piece); the client's own
// retries are not in it.
func (q *Queue) Requests() map[string]int64 { return q.requests.ByOperation() }

// regionOf is the region that a queue's URL names; "" where it names none.
func regionOf(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	parts := strings.Split(u.Hostname(), ".")
	if len(parts) >= 4 && parts[0] == "sqs" && strings.HasPrefix(parts[2], "amazonaws") {
		return parts[1]
	}
	return ""
}
