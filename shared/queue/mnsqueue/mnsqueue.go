// Package mnsqueue is the queue over MNS (also SMQ), the message service of Alibaba Cloud. A
// message is a hint in JSON, encoded in base64; see Decode. On Function Compute, EventBridge
// delivers messages to functions; Consume is for servers.
package mnsqueue

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
)

// DelayMax is the maximum delay of a message; longer delays are cut to it. The service accepts one
// day more, but it deletes a message seven days after it was sent, delayed or not.
const DelayMax = 6 * 24 * time.Hour

// Options of a Queue.
type Options struct {
	Client *mns.Client
	Name   string // of the queue

	Log *slog.Logger // nil: no log

	// For Consume only.
	Workers int // maximum number of concurrent deliveries; 0: 64
	// Visibility is the queue's VisibilityTimeout, at least 1 s: a delivery is hidden for that
	// long, renewed while its handler runs; 0: 30 s.
	Visibility time.Duration
	Wait       time.Duration // how long a request waits for messages; 0: 30 s, the maximum
	// BackoffMin is the pause before the first redelivery after an error; it doubles with each
	// further error; 0: 1 s.
	BackoffMin time.Duration
	BackoffMax time.Duration // 0: 5 min
}

// Queue is a queue.Sender. It makes no request before the first call. The first call that needs
// them reports faults in the queue, the permissions or the region.
type Queue struct{ o Options }

var _ queue.Sender = (*Queue)(nil)

// New returns a Queue. It makes no request.
func New(o Options) *Queue {
	setDefault(&o.Visibility, 30*time.Second)
	setDefault(&o.Wait, mns.WaitMax)
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

func setDefault(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

// Address parses the URL of a queue, mns://<account>.mns.<region>.aliyuncs.com/<queue>, into the
// service's endpoint and the queue's name. mns:// means https://; a URL with http:// or https:// is
// used as it is. The name may follow /queues/, as in the service's own URLs.
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
	if scheme != "https" && scheme != "http" || u.Host == "" || !validName(name) ||
		u.RawQuery != "" {
		return "", "", fmt.Errorf(
			"mnsqueue: the URL of a queue is mns://<account>.mns.<region>.aliyuncs.com/<queue>, "+
				"not %q", queueURL,
		)
	}
	return scheme + "://" + u.Host, name, nil
}

// validName reports whether a queue can have this name.
func validName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 256
}

// regionOf returns the region in an endpoint's host, "" if it has none.
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
