package mnsqueue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue"
	"millrace/shared/queue/queuetest"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
)

var credentials = alibaba.Static(alibaba.Credentials{
	AccessKeyID: emulator.AccessKeyID, AccessKeySecret: emulator.AccessKeySecret,
})

// open returns a queue of a server in this process.
func open(t *testing.T, s *emulator.Server, o mnsqueue.Options) *mnsqueue.Queue {
	t.Helper()
	o.Client = &mns.Client{
		Endpoint:    mns.Endpoint(emulator.AccountID, emulator.Region, false),
		Credentials: credentials,
		HTTP:        &http.Client{Transport: s.Transport()},
	}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if o.Name == "" {
		o.Name = "hints"
		s.CreateQueue(o.Name)
	}
	return mnsqueue.New(o)
}

func harness(q *mnsqueue.Queue) queuetest.Harness {
	return queuetest.Harness{Sender: q, Consume: q.Consume}
}

func TestConformance(t *testing.T) {
	queuetest.Run(t, queuetest.Options{Bubble: true}, func(t *testing.T) queuetest.Harness {
		return harness(open(t, emulator.New(emulator.Options{}), mnsqueue.Options{}))
	})
}

// TestConformanceUnderFaults runs the suite while the service injects every fault that a network
// and a queue may have.
func TestConformanceUnderFaults(t *testing.T) {
	queuetest.Run(t, queuetest.Options{Bubble: true}, func(t *testing.T) queuetest.Harness {
		s := emulator.New(emulator.Options{})
		s.SetFaults(emulator.Faults{
			Seed: 7, Duplicate: 0.2, Reorder: 1, Refuse: 0.05, Throttle: 0.05, LoseAnswer: 0.05,
			Latency: time.Millisecond,
		})
		h := harness(open(t, s, mnsqueue.Options{}))
		h.Sender = retrySender{h.Sender}
		h.Slack = 10 * time.Minute
		return h
	})
}

// retrySender sends a second time after an error, as the sweeper does, because by chance all
// attempts of a Send may hit a fault.
type retrySender struct{ queue.Sender }

func (a retrySender) Send(ctx context.Context, messages ...queue.Hint) (err error) {
	for range 5 {
		if err = a.Sender.Send(ctx, messages...); err == nil {
			return nil
		}
	}
	return err
}

// TestConformanceOverHTTP runs the suite over a network.
func TestConformanceOverHTTP(t *testing.T) {
	s := emulator.New(emulator.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var n atomic.Int64
	queuetest.Run(t, queuetest.Options{}, func(t *testing.T) queuetest.Harness {
		t.Parallel()
		name := fmt.Sprint("q", n.Add(1))
		s.CreateQueue(name)
		client := &mns.Client{Endpoint: server.URL, Credentials: credentials}
		// A request that outlives its consumer hides a message for this long.
		if err := visibility(t, server.URL, name, 2); err != nil {
			t.Fatal(err)
		}
		return harness(mnsqueue.New(mnsqueue.Options{
			Client: client, Name: name, Visibility: 2 * time.Second,
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		}))
	})
}

// visibility sets a queue's VisibilityTimeout.
func visibility(t *testing.T, endpoint, name string, seconds int) error {
	t.Helper()
	resource := "/queues/" + name + "?metaoverride=true"
	r, err := http.NewRequest("PUT", endpoint+resource,
		strings.NewReader(fmt.Sprintf("<Queue><VisibilityTimeout>%d</VisibilityTimeout></Queue>",
			seconds)))
	if err != nil {
		return err
	}
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("x-mns-version", "2015-06-06")
	r.Header.Set("Authorization",
		"MNS "+emulator.AccessKeyID+":"+
			emulator.Sign(emulator.AccessKeySecret, "PUT", resource, r.Header))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return errors.New(resp.Status)
	}
	return nil
}

// TestRequests: MNS bills requests. A request holds sixteen hints, and hints of one partition are
// merged, with the earliest time.
func TestRequests(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := open(t, s, mnsqueue.Options{})
	var messages []queue.Hint
	for i := range 60 {
		messages = append(messages, queue.Hint{
			Partition: fmt.Sprint("x#flow-1#", i%25), Delay: time.Duration(100-i) * time.Second,
		})
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if n := s.Calls()["BatchSendMessage"]; n != 2 {
		t.Errorf("%d requests for 25 hints", n)
	}
	if n := len(s.Bodies("hints")); n != 25 {
		t.Errorf("%d messages", n)
	}
	s.Advance(51 * time.Second) // the earliest of 0, 25 and 50
	got, err := (&mns.Client{Endpoint: "http://h", Credentials: credentials,
		HTTP: &http.Client{Transport: s.Transport()}}).Receive(t.Context(), "hints", 16, 0)
	if err != nil || len(got) != 11 { // those sent a third time with 41 to 51 seconds
		t.Errorf("%d messages after 51 s, %v", len(got), err)
	}
}

// TestLargeBatch: hints with long partitions do not fit into one request.
func TestLargeBatch(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := open(t, s, mnsqueue.Options{})
	var messages []queue.Hint
	for i := range 20 {
		messages = append(messages, queue.Hint{
			Partition: fmt.Sprint(strings.Repeat("\x01", 2000), i),
		})
	}
	if err := q.Send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Bodies("hints")); n != 20 || s.Calls()["BatchSendMessage"] < 5 {
		t.Errorf("%d messages in %v", n, s.Calls())
	}
}

func TestDelayIsCut(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.CreateQueue("hints")
	const max = "518400" // six days: the service keeps a message for seven, delayed or not
	for _, c := range []struct {
		delay time.Duration
		want  string
	}{
		{-time.Hour, "0"}, {0, "0"}, {time.Nanosecond, "1"}, {time.Second, "1"},
		{1001 * time.Millisecond, "2"},
		{144 * time.Hour, max}, {144*time.Hour + 1, max}, {1<<63 - 1, max},
	} {
		var sent string
		q := mnsqueue.New(mnsqueue.Options{Name: "hints",
			Client: &mns.Client{Endpoint: "http://h", Credentials: credentials,
				HTTP: &http.Client{Transport: recorder{s.Transport(), &sent}}}})
		if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a", Delay: c.delay}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sent, "<DelaySeconds>"+c.want+"</DelaySeconds>") {
			t.Errorf("%v: sent %s", c.delay, sent)
		}
	}
}

// recorder records the body of the last request.
type recorder struct {
	next http.RoundTripper
	body *string
}

func (r recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	*r.body = string(text)
	q.Body = io.NopCloser(strings.NewReader(*r.body))
	return r.next.RoundTrip(q)
}

// TestPartialFailure: only the rejected part of a batch is sent again.
func TestPartialFailure(t *testing.T) {
	s := emulator.New(emulator.Options{})
	q := open(t, s, mnsqueue.Options{})
	s.SetHook(func(c emulator.Call) emulator.Fault {
		if c.N == 1 {
			return emulator.PartialSend
		}
		return emulator.None
	})
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}, queue.Hint{Partition: "x#1#b"},
		queue.Hint{Partition: "x#1#c"}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Bodies("hints")); n != 3 || s.Calls()["BatchSendMessage"] != 2 {
		t.Errorf("%d messages in %v", n, s.Calls())
	}
	s.SetHook(func(emulator.Call) emulator.Fault { return emulator.Throttle })
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err == nil ||
		mns.Code(err) != "QpsLimitExceeded" || s.Calls()["BatchSendMessage"] != 6 {
		t.Errorf("throttled: %v, %v", err, s.Calls())
	}
}

// TestPoison: a message that is no hint is deleted and does not hold up the others; one written by
// a newer program stays.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		q := open(t, s, mnsqueue.Options{})
		client := &mns.Client{
			Endpoint: "http://h", Credentials: credentials,
			HTTP: &http.Client{Transport: s.Transport()},
		}
		const newer = `{"v":2,"p":"x#1#newer"}`
		if _, err := client.Send(t.Context(), "hints",
			[]mns.OutgoingMessage{{Body: "not JSON"}, {Body: newer}, {Body: `{"v":1}`},
				{Body: "[]"}}); err != nil {
			t.Fatal(err)
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
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-consumed; !errors.Is(err, context.Canceled) {
			t.Errorf("Consume: %v", err)
		}
		if left := s.Bodies("hints"); len(left) != 1 || left[0] != newer {
			t.Errorf("left in the queue: %q", left)
		}
	})
}

// TestLongHandler: if a handler runs longer than the visibility, its message is not delivered to
// another, although each renewal replaces the handle.
func TestLongHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		q := open(t, s, mnsqueue.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var n atomic.Int64
		consumed := make(chan error)
		go func() {
			consumed <- q.Consume(ctx, func(context.Context, string) error {
				n.Add(1)
				time.Sleep(10 * time.Minute)
				return nil
			})
		}()
		if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#long"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		cancel()
		<-consumed
		if n.Load() != 1 || len(s.Bodies("hints")) != 0 {
			t.Errorf("delivered %d times, left %v", n.Load(), s.Bodies("hints"))
		}
	})
}

// TestRotation: credentials that expire while a consumer runs are replaced without an error.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.CreateQueue("hints")
		var token atomic.Int64
		rotate := func() {
			s.SetKeys(map[string]emulator.Key{
				"STS": {
					Secret: "s", Token: fmt.Sprint(token.Add(1)),
					Expires: time.Now().Add(time.Hour),
				},
			})
		}
		rotate()
		client := &mns.Client{Endpoint: "http://h", HTTP: &http.Client{Transport: s.Transport()},
			Credentials: func(context.Context) (alibaba.Credentials, error) {
				return alibaba.Credentials{AccessKeyID: "STS", AccessKeySecret: "s",
					SecurityToken: fmt.Sprint(token.Load())}, nil
			}}
		q := mnsqueue.New(mnsqueue.Options{Client: client, Name: "hints"})
		ctx, cancel := context.WithCancel(t.Context())
		got, consumed := make(chan string, 10), make(chan error)
		go func() {
			consumed <- q.Consume(ctx, func(_ context.Context, p string) error {
				got <- p
				return nil
			})
		}()
		for i := range 5 {
			if err := q.Send(ctx, queue.Hint{Partition: fmt.Sprint("x#1#", i)}); err != nil {
				t.Error(err)
			}
			<-got
			time.Sleep(70 * time.Minute) // ten minutes after they expired
			rotate()
		}
		cancel()
		if err := <-consumed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestReplacedKey: the service does not know an STS key that was replaced. A client that holds the
// old key fetches the credentials again, and its consumer continues.
func TestReplacedKey(t *testing.T) {
	s := emulator.New(emulator.Options{
		Keys: map[string]emulator.Key{"STS.2": {Secret: "s", Token: "t2"}},
	})
	s.CreateQueue("hints")
	var requests atomic.Int64
	client := &mns.Client{Endpoint: "http://h", HTTP: &http.Client{Transport: s.Transport()},
		Credentials: func(context.Context) (alibaba.Credentials, error) {
			if requests.Add(1) == 1 { // the provider learns of the new key a little late
				return alibaba.Credentials{AccessKeyID: "STS.1", AccessKeySecret: "s",
					SecurityToken: "t1"}, nil
			}
			return alibaba.Credentials{
					AccessKeyID: "STS.2", AccessKeySecret: "s", SecurityToken: "t2",
				},
				nil
		}}
	q := mnsqueue.New(mnsqueue.Options{Client: client, Name: "hints"})
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err != nil {
		t.Error(err)
	}
	requests.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	if err := q.Consume(ctx,
		func(context.Context, string) error { cancel(); return nil }); !errors.Is(err,
		context.Canceled) {
		t.Error(err)
	}
}

// TestSilence: a request without a response is abandoned and made again.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.CreateQueue("hints")
		silent := &unresponsive{next: s.Transport()}
		silent.left.Store(1)
		client := &mns.Client{
			Endpoint: "http://h", Credentials: credentials, HTTP: &http.Client{Transport: silent},
		}
		q := mnsqueue.New(mnsqueue.Options{Client: client, Name: "hints"})
		if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err != nil {
			t.Fatal(err)
		}
		silent.left.Store(1)
		ctx, cancel := context.WithCancel(t.Context())
		got, consumed := make(chan string), make(chan error)
		go func() {
			consumed <- q.Consume(ctx, func(_ context.Context, p string) error {
				got <- p
				return nil
			})
		}()
		if p := <-got; p != "x#1#a" {
			t.Error(p)
		}
		cancel()
		if err := <-consumed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// unresponsive never responds to its first requests.
type unresponsive struct {
	next http.RoundTripper
	left atomic.Int64
}

func (s *unresponsive) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.left.Add(-1) >= 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return s.next.RoundTrip(r)
}
