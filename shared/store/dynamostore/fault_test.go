package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators"
)

var (
	keyA   = driver.Key{Partition: "x#1#a", Sort: "a"}
	absent = driver.Condition{Absent: true, Now: 1}
)

func row(version int64, data string) driver.Row {
	return driver.Row{Key: keyA, Version: version, Fence: "r", Data: []byte(data)}
}

func at(version int64) driver.Condition { return driver.Condition{Version: version, Fence: "r"} }

// first injects a fault into the first n calls of an operation.
func first(
	n int64, op string, fault func(emulators.Call) (*http.Response, error),
) emulators.Faulty {
	var seen atomic.Int64
	return func(c emulators.Call) (*http.Response, error) {
		if c.Op == op && seen.Add(1) <= n {
			return fault(c)
		}
		return c.Send()
	}
}

func lose(c emulators.Call) (*http.Response, error)     { return c.Lose() }
func throttle(c emulators.Call) (*http.Response, error) { return c.Throttle() }

// failAfter applies the call and responds like a gateway whose backend was too slow.
func failAfter(c emulators.Call) (*http.Response, error) {
	if _, err := c.Lose(); !errors.Is(err, emulators.ErrLost) {
		return nil, err
	}
	return emulators.Answer(http.StatusInternalServerError,
		`{"__type":"com.amazon.coral.service#InternalServerError"}`), nil
}

// tear applies the call and cuts the response off in the middle.
func tear(c emulators.Call) (*http.Response, error) {
	response, err := c.Send()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"Cons`), failing{}))
	return response, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestLostResponse: a write whose response is lost is repeated, and the repeat fails because of the
// first attempt: the token in the row shows that.
func TestLostResponse(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	for name, fault := range map[string]func(emulators.Call) (*http.Response, error){"lost": lose,
		"500": failAfter, "torn": tear} {
		t.Run(name, func(t *testing.T) {
			t.Run("claim", func(t *testing.T) {
				s := open(t, endpoint, first(1, "PutItem", fault))
				if err := s.Commit(t.Context(), nil, row(1, "mine"), absent); err != nil {
					t.Fatalf("the winner is told: %v", err)
				}
				if err := s.Commit(
					t.Context(), nil, row(1, "another's"), absent,
				); !errors.Is(err, driver.ErrConflict) {
					t.Fatalf("a second claim: %v, want ErrConflict", err)
				}
			})
			t.Run("compare and set", func(t *testing.T) {
				s := open(t, endpoint, first(2, "PutItem", fault))
				for v, cond := range []driver.Condition{absent, at(1), at(2)} {
					if err := s.Commit(
						t.Context(), nil, row(int64(v+1), "mine"), cond,
					); err != nil {
						t.Fatalf("version %d: %v", v+1, err)
					}
				}
			})
			t.Run("delete", func(t *testing.T) {
				s := open(t, endpoint, first(1, "DeleteItem", fault))
				if err := s.Commit(t.Context(), nil, row(1, "mine"), absent); err != nil {
					t.Fatal(err)
				}
				cond := at(1)
				if err := s.Delete(t.Context(), keyA, &cond); err != nil {
					t.Fatalf("Delete: %v", err)
				}
				if _, err := s.Get(t.Context(), keyA); !errors.Is(err, driver.ErrNotFound) {
					t.Fatalf("Get: %v", err)
				}
			})
		})
	}
}

// TestLostResponseThenOverwritten: if another writer has written since, the outcome of a write
// without a response is unknown.
func TestLostResponseThenOverwritten(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	var other *dynamostore.Store
	overwrite := func(c emulators.Call) (*http.Response, error) {
		response, err := c.Lose()
		if e := other.Commit(context.Background(), nil, row(2, "the next one's"), at(1)); e != nil {
			t.Errorf("the next commit: %v", e)
		}
		return response, err
	}
	table := newTable(t, endpoint)
	other = dynamostore.New(dynamostore.Options{Client: newClient(endpoint, nil), Table: table})
	s := dynamostore.New(dynamostore.Options{
		Client: newClient(endpoint, first(1, "PutItem", overwrite)), Table: table})
	err := s.Commit(t.Context(), nil, row(1, "mine"), absent)
	if err == nil || errors.Is(err, driver.ErrConflict) {
		t.Fatalf("got %v, want an error that is no ErrConflict", err)
	}
	if got, err := s.Get(t.Context(), keyA); err != nil || got.Version != 2 {
		t.Fatalf("version %d, %v", got.Version, err)
	}
}

// TestClaimRaceWithLostResponses: fifty callers race for a name while responses are lost. One of
// them starts it, and no other is told that it did.
func TestClaimRaceWithLostResponses(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	var n atomic.Int64
	s := open(t, endpoint, emulators.Faulty(func(c emulators.Call) (*http.Response, error) {
		if c.Op == "PutItem" && n.Add(1)%3 == 0 {
			return c.Lose()
		}
		return c.Send()
	}))
	for round := range 5 {
		key := driver.Key{Partition: fmt.Sprint("x#1#race", round), Sort: "a"}
		var won atomic.Int64
		var done sync.WaitGroup
		for i := range 50 {
			done.Go(func() {
				err := s.Commit(t.Context(), nil,
					driver.Row{Key: key, Version: 1, Fence: fmt.Sprint(i)}, absent)
				if err != nil {
					return // conflict or unknown outcome
				}
				won.Add(1)
				if got, err := s.Get(t.Context(), key); err != nil || got.Fence != fmt.Sprint(i) {
					t.Errorf("the winner %d finds %q, %v", i, got.Fence, err)
				}
			})
		}
		done.Wait()
		if won.Load() != 1 {
			t.Errorf("%d winners", won.Load())
		}
	}
}

// TestThrottled: a throttled store is slow, not wrong. Every call of the suite meets throttling.
func TestThrottled(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		var n atomic.Int64
		s := open(t, endpoint, emulators.Faulty(func(c emulators.Call) (*http.Response, error) {
			if n.Add(1)%7 == 0 {
				return c.Throttle()
			}
			return c.Send()
		}))
		return storetest.Harness{Driver: s, MaxData: maxData}
	})
}

// TestThrottledForever: a call that is throttled for all of RetryFor, or until its context ends,
// says what to do.
func TestThrottledForever(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	o := dynamostore.Options{Client: newClient(endpoint, emulators.Faulty(throttle)), Table: "any",
		RetryFor: 100 * time.Millisecond}
	err := dynamostore.New(o).Commit(t.Context(), []driver.Row{row(0, "put")}, row(1, ""), absent)
	if err == nil || !strings.Contains(err.Error(), "out of capacity") {
		t.Errorf("got %v", err)
	}
	o.RetryFor = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := dynamostore.New(o).Get(ctx, keyA); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestUnprocessed: items that BatchWriteItem leaves unprocessed are written in the end.
func TestUnprocessed(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	table := newTable(t, endpoint)
	var n atomic.Int64
	undone := func(c emulators.Call) (*http.Response, error) {
		if c.Op == "BatchWriteItem" && n.Add(1)%2 == 1 {
			body := string(c.Body)
			requests := body[strings.Index(body, `"RequestItems":`)+len(`"RequestItems":`):]
			requests = requests[:strings.LastIndex(requests, "}]}")+len("}]}")]
			return emulators.Answer(http.StatusOK, `{"UnprocessedItems":`+requests+`}`), nil
		}
		return c.Send()
	}
	s := dynamostore.New(dynamostore.Options{Client: newClient(endpoint, emulators.Faulty(undone)),
		Table: table})
	var rows []driver.Row
	for i := range 60 {
		key := driver.Key{Partition: "p", Sort: fmt.Sprintf("%03d", i)}
		rows = append(rows, driver.Row{Key: key})
	}
	if err := s.Put(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	got, more, err := s.Range(t.Context(), driver.Range{Partition: "p"})
	if err != nil || more || len(got) != len(rows) {
		t.Fatalf("%d of %d rows, more %v, %v", len(got), len(rows), more, err)
	}
	if n.Load() < 6 {
		t.Fatalf("only %d batches", n.Load())
	}
}

// TestHangingAttempt: an attempt without a response is repeated.
func TestHangingAttempt(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	table := newTable(t, endpoint)
	release := make(chan struct{})
	defer close(release)
	hang := first(1, "PutItem", func(c emulators.Call) (*http.Response, error) {
		response, err := c.Lose()
		<-release
		return response, err
	})
	s := dynamostore.New(dynamostore.Options{Client: newClient(endpoint, contextTransport{hang}),
		Table: table, AttemptTime: 2 * time.Second})
	if err := s.Commit(t.Context(), nil, row(1, "mine"), absent); err != nil {
		t.Fatal(err)
	}
}

// contextTransport ends a call with its context, like a real transport.
type contextTransport struct{ next http.RoundTripper }

func (i contextTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		response *http.Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		response, err := i.next.RoundTrip(r)
		done <- result{response, err}
	}()
	select {
	case d := <-done:
		return d.response, d.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// lagging responds to a query of an index with an earlier response, for a while.
type lagging struct {
	mu    sync.Mutex
	known map[string]cachedResponse
}

type cachedResponse struct {
	response string
	until    time.Time
}

const lag = 100 * time.Millisecond

func (l *lagging) respond(c emulators.Call) (*http.Response, error) {
	if c.Op != "Query" || !strings.Contains(string(c.Body), "IndexName") {
		return c.Send()
	}
	l.mu.Lock()
	old, ok := l.known[string(c.Body)]
	l.mu.Unlock()
	if ok && time.Now().Before(old.until) {
		return emulators.Answer(http.StatusOK, old.response), nil
	}
	response, err := c.Send()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[string(c.Body)] = cachedResponse{string(body), time.Now().Add(lag)}
	return emulators.Answer(response.StatusCode, string(body)), nil
}

// TestLaggingIndexes: lagging indexes change only when List and Due show what was written.
func TestLaggingIndexes(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		l := &lagging{known: map[string]cachedResponse{}}
		return storetest.Harness{Driver: open(t, endpoint, emulators.Faulty(l.respond)),
			MaxData: maxData, Lag: time.Minute}
	})
}
