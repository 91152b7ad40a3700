package fc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

// Form is the form in which a function receives messages.
type Form uint8

// The forms.
const (
	Events  Form = iota // an array of events, also for a single one (event stream)
	RawData             // an array of bodies (event stream, eventSchema RawData)
	Rule                // one event (event rule)
)

// Stream delivers messages of a queue to a function, as an event stream of EventBridge does:
// synchronously and in batches. A function cannot accept part of a batch: if it fails, it gets the
// whole batch again, after a pause, up to Retries times. Then the batch goes to the dead-letter
// queue if Tolerant is set; otherwise the stream stops.
type Stream struct {
	Client *mns.Client
	Queue  string
	Invoke func(event []byte) ([]byte, error)

	Form    Form
	Encoded bool          // bodies are delivered as they are stored (IsBase64Decode false)
	Batch   int           // maximum number of messages in a batch, at most 16; 0: 1
	Window  time.Duration // how long a batch is collected; 0: not at all
	Tasks   int           // concurrent batches; 0: 1
	Limit   time.Duration // of an invocation; 0: 5 min

	Retries    int
	Pause      func(retry int) time.Duration // nil: 1, 2, 4 … 512 s
	Tolerant   bool
	DeadLetter string // the dead-letter queue; "": batches are dropped

	// DeleteFirst deletes messages when they are received, not after a batch has succeeded. Which
	// of the two the service does is unknown, so code that relies on it must be tested with both.
	DeleteFirst bool

	Batches, Failures, Dead atomic.Int64 // delivered, failed attempts, given up
}

// ErrStopped reports that a stream has stopped because a batch could not be delivered.
var ErrStopped = errors.New("fc: the stream has stopped")

// Run delivers until ctx ends; it returns when no delivery is running. The error is ctx's, or
// ErrStopped.
func (s *Stream) Run(ctx context.Context) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var tasks sync.WaitGroup
	for range max(s.Tasks, 1) {
		tasks.Go(func() {
			for inner.Err() == nil {
				messages := s.collect(inner)
				if len(messages) == 0 {
					continue
				}
				if err := s.deliver(inner, messages); err != nil {
					stop(err)
				}
			}
		})
	}
	tasks.Wait()
	return context.Cause(inner)
}

// collect receives the messages of the next batch.
func (s *Stream) collect(ctx context.Context) []mns.Message {
	size := min(max(s.Batch, 1), mns.BatchMax)
	got, err := s.Client.Receive(ctx, s.Queue, size, time.Second)
	if err != nil {
		wait(ctx, 100*time.Millisecond)
		return nil
	}
	end := time.Now().Add(s.Window)
	for len(got) > 0 && len(got) < size && time.Now().Before(end) && ctx.Err() == nil {
		more, err := s.Client.Receive(ctx, s.Queue, size-len(got), 0)
		if err != nil || len(more) == 0 {
			wait(ctx, 10*time.Millisecond)
		}
		got = append(got, more...)
	}
	if s.DeleteFirst {
		s.remove(got)
	}
	return got
}

// wait waits for d; it reports false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliver repeats a batch until the function accepts it or its retries are used up. If ctx ends,
// the messages stay in the queue.
func (s *Stream) deliver(ctx context.Context, messages []mns.Message) error {
	s.Batches.Add(1)
	for _, event := range s.events(messages) {
		if err := s.push(ctx, event); ctx.Err() != nil {
			return nil
		} else if err != nil {
			s.Dead.Add(int64(len(messages)))
			if !s.Tolerant {
				return fmt.Errorf("%w: %w", ErrStopped, err)
			}
			if err := s.bury(messages); err != nil {
				return err
			}
			break
		}
	}
	if !s.DeleteFirst {
		s.remove(messages)
	}
	return nil
}

// push invokes the function with an event, and again after an error.
func (s *Stream) push(ctx context.Context, event []byte) error {
	for n := 0; ; n++ {
		_, err := s.within(event)
		if err == nil {
			return nil
		}
		s.Failures.Add(1)
		if n == s.Retries || !wait(ctx, s.pause(n)) {
			return err
		}
	}
}

func (s *Stream) pause(retry int) time.Duration {
	if s.Pause != nil {
		return s.Pause(retry)
	}
	return time.Second << min(retry, 9)
}

// within invokes the function and stops waiting at the limit; the function keeps running.
func (s *Stream) within(event []byte) ([]byte, error) {
	limit := s.Limit
	if limit == 0 {
		limit = 5 * time.Minute
	}
	type reply struct {
		body []byte
		err  error
	}
	answer := make(chan reply, 1)
	go func() {
		body, err := s.Invoke(event)
		answer <- reply{body, err}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case r := <-answer:
		return r.body, r.err
	case <-late.C:
		return nil, ErrTimedOut
	}
}

// bury sends a batch to the dead-letter queue.
func (s *Stream) bury(messages []mns.Message) error {
	if s.DeadLetter == "" {
		return nil
	}
	bodies := make([]string, len(messages))
	for i, m := range messages {
		bodies[i] = m.Body
	}
	return s.Client.Send(context.Background(), s.DeadLetter, bodies...)
}

func (s *Stream) remove(messages []mns.Message) {
	var handles []string
	for _, m := range messages {
		handles = append(handles, m.Handle)
	}
	for len(handles) > 0 {
		n := min(len(handles), mns.BatchMax)
		// Messages that remain are delivered again, which is allowed.
		s.Client.Delete(context.Background(), s.Queue, handles[:n]...)
		handles = handles[n:]
	}
}

// events returns what the function gets for a batch: one event, or with Rule one for each message.
func (s *Stream) events(messages []mns.Message) [][]byte {
	var elements []any
	for _, m := range messages {
		if s.Form == RawData {
			elements = append(elements, s.body(m))
		} else {
			elements = append(elements, s.cloudEvent(m))
		}
	}
	if s.Form != Rule {
		return [][]byte{encode(elements)}
	}
	var events [][]byte
	for _, e := range elements {
		events = append(events, encode(e))
	}
	return events
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// body returns a message's body in the form that the function gets.
func (s *Stream) body(m mns.Message) string {
	if s.Encoded {
		return m.Body
	}
	if plain, err := base64.StdEncoding.DecodeString(m.Body); err == nil {
		return string(plain)
	}
	return m.Body
}

// cloudEvent returns the event of a message in the form that an MNS trigger gives it.
func (s *Stream) cloudEvent(m mns.Message) map[string]any {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	source := "MNS-" + s.Queue
	return map[string]any{
		"id":                      requestID(),
		"source":                  source,
		"specversion":             "1.0",
		"type":                    "mns:Queue:SendMessage",
		"datacontenttype":         "application/json; charset=utf-8",
		"subject":                 "acs:mns:" + Region + ":" + AccountID + ":queues/" + s.Queue,
		"time":                    m.Enqueued.UTC().Format("2006-01-02T15:04:05.000Z"),
		"aliyunaccountid":         AccountID,
		"aliyunpublishtime":       now,
		"aliyunoriginalaccountid": AccountID,
		"aliyuneventbusname":      source,
		"aliyunregionid":          Region,
		"aliyunpublishaddr":       "127.0.0.1",
		"data": map[string]string{
			"requestId":   requestID(),
			"messageId":   m.ID,
			"messageBody": s.body(m),
		},
	}
}
