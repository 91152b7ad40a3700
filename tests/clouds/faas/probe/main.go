// Command probe is a function for the tests of the harness and of the platform. ROLE selects what
// it does: http, queue, events or tick.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/shared/events"
	"millrace/shared/faas"
	"millrace/shared/queue/mnsqueue"
)

func main() { faas.Main(open) }

// opened counts how often the function has been opened.
var opened atomic.Int64

func open(context.Context) (faas.Handler, error) {
	if n, _ := strconv.ParseInt(os.Getenv("OPEN_FAILS"), 10, 64); opened.Add(1) <= n {
		return nil, fmt.Errorf("the probe does not open (%d)", opened.Load())
	}
	switch role := os.Getenv("ROLE"); role {
	case "http":
		return faas.ServeHTTP(http.HandlerFunc(serve)), nil
	case "queue":
		return faas.ConsumeQueue(queue()), nil
	case "events":
		return faas.Events(start), nil
	case "tick":
		return faas.Tick(func(context.Context) error { return say("tick") }), nil
	default:
		return nil, errors.New("ROLE is missing")
	}
}

// say reports to the test what happens, in the function's log.
func say(format string, args ...any) error {
	fmt.Printf("PROBE "+format+"\n", args...)
	return nil
}

func serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	credentials, _ := faas.CurrentCredentials()
	deadline, bounded := r.Context().Deadline()
	switch r.URL.Path {
	case "/panic":
		panic("on request")
	case "/exit":
		os.Exit(3)
	case "/sleep":
		d, _ := time.ParseDuration(r.URL.Query().Get("for"))
		time.Sleep(d)
	case "/binary":
		w.Write([]byte{0xff, 0, 1})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Probe", "1")
	w.WriteHeader(http.StatusAccepted)
	json.NewEncoder(w).Encode(map[string]any{
		"method":  r.Method,
		"path":    r.URL.Path,
		"query":   r.URL.RawQuery,
		"host":    r.Host,
		"header":  r.Header,
		"body":    string(body),
		"key":     credentials.AccessKeyID,
		"token":   credentials.SecurityToken,
		"pid":     os.Getpid(),
		"bounded": bounded && time.Until(deadline) < time.Hour,
	})
}

func queue() faas.QueueHandlers {
	q := faas.QueueHandlers{
		Decode: mnsqueue.Decode,
		Advance: func(ctx context.Context, partition string) error {
			say("work %s", partition)
			return fate(partition)
		},
	}
	if os.Getenv("DISPATCH") != "" {
		q.Dispatch = func(ctx context.Context, partition string) error {
			say("dispatch %s", partition)
			return fate(partition)
		}
	}
	return q
}

// failures counts the failures of each partition.
var failures atomic.Int64

// fate does what a partition's name asks for.
func fate(partition string) error {
	switch {
	case strings.Contains(partition, "always"):
		return errors.New("the store cannot be reached")
	case strings.Contains(partition, "twice") && failures.Add(1) <= 2:
		return errors.New("not now")
	case strings.Contains(partition, "panic"):
		panic("on request")
	case strings.Contains(partition, "exit"):
		os.Exit(3)
	}
	return nil
}

// start reports what an event starts. The source of a message is its queue, unless the queue is
// called oss and carries objects.
func start(_ context.Context, d events.Delivery) error {
	starts, err := events.DecodeStartEvents([]byte(d.Body))
	switch {
	case d.Direct:
	case events.QueueName(d.Source) == "oss":
		starts, err = events.DecodeObjects([]byte(d.Body))
	default:
		var s events.StartEvent
		s, err = events.StartEventOf(d.Message)
		starts = []events.StartEvent{s}
	}
	if err != nil {
		return err
	}
	for i := range starts {
		s := &starts[i]
		say("start %s %s %s %s", s.Source, s.Event, s.Origin+s.Bucket, s.Name("1", "f"))
	}
	return nil
}
