// Package mnsqueue is the queue over MNS (also SMQ), the message service of Alibaba Cloud. A message is a hint in JSON,
// written in base64; see Decode. On Function Compute EventBridge brings them to functions; Consume is for processes that
// stay.
package mnsqueue

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue/rest"
)

// DelayMax is the longest delay of a message; longer ones are cut to it. The service takes a day more, but it forgets a
// message seven days after it was sent, delayed or not.
const DelayMax = 6 * 24 * time.Hour

// Options of a Queue.
type Options struct {
	Client *rest.Client
	Name   string // of the queue

	Log *slog.Logger // nil: nowhere

	// For Consume only.
	Workers    int           // deliveries at a time; 0: 64
	Visibility time.Duration // the queue's VisibilityTimeout, at least 1 s; a delivery is hidden for that long, renewed while its handler runs; 0: 30 s
	Wait       time.Duration // how long a request waits for messages; 0: 30 s, the most
	BackoffMin time.Duration // until the first delivery after an error, doubled with each further one; 0: 1 s
	BackoffMax time.Duration // 0: 5 min
}

// Queue is a queue.Sender. It makes no request before the first call: what is wrong with the queue, the permissions or
// the region is told by the call that meets it.
type Queue struct {
	o        Options
	requests queue.RequestCounter
}

var _ queue.Sender = (*Queue)(nil)

// New returns a Queue. It makes no request.
func New(o Options) *Queue {
	setDefault(&o.Visibility, 30*time.Second)
	setDefault(&o.Wait, rest.WaitMax)
	setDefault(&o.BackoffMin, time.Second)
	setDefault(&o.BackoffMax, 5*time.Minute)
	if o.Workers <= 0 {
		o.Workers = 64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{o: o}
}

func setDefault(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// Requests returns how many requests have been made, by operation. MNS bills each, and each 64 KB of it.
func (q *Queue) Requests() map[string]int64 { return q.requests.ByOperation() }

// Address reads the URL of a queue, mns://<account>.mns.<region>.aliyuncs.com/<queue>: where its service is and its name.
// With http:// or https:// in place of mns:// it is taken as it is, and mns:// stands for https://; /queues/ may stand
// before the name, as in the URLs of the service.
func Address(queueURL string) (endpoint, name string, err error) {
	u, err := url.Parse(queueURL)
	if err != nil {
		return "", "", fmt.Errorf("mnsqueue: %q is no URL", queueURL)
	}
	name = strings.Trim(strings.TrimPrefix(u.Path, "/queues"), "/")
	scheme := u.Scheme
	if scheme == "mns" {
		scheme = "https"
	}
	if scheme != "https" && scheme != "http" || u.Host == "" || !validName(name) || u.RawQuery != "" {
		return "", "", fmt.Errorf("mnsqueue: the URL of a queue is mns://<account>.mns.<region>.aliyuncs.com/<queue>, not %q", queueURL)
	}
	return scheme + "://" + u.Host, name, nil
}

// validName tells whether a queue can have a name.
func validName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 256
}

// regionOf is the region that an endpoint's host names; "" where it names none.
func regionOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	_, rest, ok := strings.Cut(u.Hostname(), ".mns.")
	region, _, found := strings.Cut(rest, ".")
	if !ok || !found {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(region, "-vpc"), "-internal")
}
