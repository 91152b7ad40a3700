// Package sqsqueue is the queue over a standard queue of Amazon SQS. A message is a hint in JSON;
// see Decode. Lambda delivers messages to functions itself; Consume is for servers.
package sqsqueue

import (
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/shared/queue"
)

// DelayMax is the maximum delay of a message in SQS. Longer delays are cut to it.
const DelayMax = 900 * time.Second

// Options of a Queue.
type Options struct {
	Client *sqs.Client
	URL    string // of the queue

	// Fair sets each message's group to its flow, so that a flow with many hints does not hold up
	// the others (fair queues). Not in every region do standard queues accept groups.
	Fair bool

	Log *slog.Logger // nil: no log

	// For Consume only.
	Workers int // maximum number of concurrent deliveries; 0: 64
	// Visibility is how long a delivery is hidden, renewed while its handler runs; 0: 30 s.
	Visibility time.Duration
	Wait       time.Duration // how long a request waits for messages; 0: 20 s, the maximum
	// BackoffMin is the pause before the first redelivery after an error; it doubles with each
	// further error; 0: 1 s.
	BackoffMin time.Duration
	BackoffMax time.Duration // 0: 5 min
}

// Queue is a queue.Sender. It makes no request before the first call. The first call that needs
// them reports faults in the queue, the permissions or the region.
type Queue struct {
	o      Options
	region string // of the client
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

func setDefault(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

// regionOf returns the region in a queue's URL, "" if it has none.
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
