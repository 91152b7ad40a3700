package otsstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
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
func first(n int64, op string, fault tablestore.Fault) func(tablestore.Request) tablestore.Fault {
	var seen atomic.Int64
	return func(r tablestore.Request) tablestore.Fault {
		if r.Op == op && seen.Add(1) <= n {
			return fault
		}
		return tablestore.Fault{}
	}
}

// TestLostResponse: a write whose response is lost is repeated, and the repeat fails because of the
// first attempt: the token in the row shows that.
func TestLostResponse(t *testing.T) {
	for name, fault := range map[string]tablestore.Fault{"lost": {Lose: true},
		"timeout": {Instead: tablestore.Timeout},
		"500":     {Instead: tablestore.InternalServerError},
		"503":     {Instead: tablestore.ServerUnavailable}} {
		t.Run(name, func(t *testing.T) {
			server := tablestore.New(tablestore.Options{})
			t.Run("claim", func(t *testing.T) {
				s := open(t, server, otsstore.Options{})
				server.SetFault(first(1, "PutRow", fault))
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
				s := open(t, server, otsstore.Options{})
				server.SetFault(first(2, "PutRow", fault))
				for v, cond := range []driver.Condition{at(1), at(2)} {
					if err := s.Commit(
						t.Context(), nil, row(int64(v+2), "mine"), cond,
					); err != nil {
						t.Fatalf("version %d: %v", v+2, err)
					}
				}
			})
			t.Run("claim of an expired row", func(t *testing.T) {
				s := open(t, server, otsstore.Options{})
				old := row(4, "old")
				old.Expires = 1000
				if err := s.Commit(t.Context(), nil, old, at(3)); err != nil {
					t.Fatal(err)
				}
				var puts atomic.Int64
				server.SetFault(func(r tablestore.Request) tablestore.Fault {
					if r.Op == "PutRow" && puts.Add(1) == 2 { // the first finds the expired row
						return fault
					}
					return tablestore.Fault{}
				})
				if err := s.Commit(
					t.Context(), nil, row(1, "new"), driver.Condition{Absent: true, Now: 1000},
				); err != nil {
					t.Fatalf("the winner is told: %v", err)
				}
				if got, err := s.Get(t.Context(), keyA); err != nil || string(got.Data) != "new" {
					t.Fatalf("%q, %v", got.Data, err)
				}
			})
			t.Run("delete", func(t *testing.T) {
				s := open(t, server, otsstore.Options{})
				server.SetFault(first(1, "DeleteRow", fault))
				cond := at(1)
				if err := s.Delete(t.Context(), keyA, &cond); err != nil {
					t.Fatalf("Delete: %v", err)
				}
				if _, err := s.Get(t.Context(), keyA); !errors.Is(err, driver.ErrNotFound) {
					t.Fatalf("Get: %v", err)
				}
			})
			t.Run("batch", func(t *testing.T) {
				s := open(t, server, otsstore.Options{})
				server.SetFault(first(1, "BatchWriteRow", fault))
				if err := s.Put(
					t.Context(), []driver.Row{row(0, "a"),
						{Key: driver.Key{Partition: "p", Sort: "b"}}},
				); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestLostResponseThenOverwritten: if another writer has written since, the outcome of a write
// without a response is unknown.
func TestLostResponseThenOverwritten(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	other := open(t, server, otsstore.Options{})
	overwriting := roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := server.RoundTrip(r)
		if r.URL.Path == "/PutRow" && err == nil && response.StatusCode == http.StatusOK {
			if e := other.Commit(
				context.Background(), nil, row(2, "the next one's"), at(1),
			); e != nil {
				t.Errorf("the next commit: %v", e)
			}
			return nil, errors.New("connection reset by peer")
		}
		return response, err
	})
	s := open(t, server, otsstore.Options{Client: newClient(server, overwriting)})
	err := s.Commit(t.Context(), nil, row(1, "mine"), absent)
	if err == nil || errors.Is(err, driver.ErrConflict) {
		t.Fatalf("got %v, want an error that is no ErrConflict", err)
	}
	if got, err := s.Get(t.Context(), keyA); err != nil || got.Version != 2 {
		t.Fatalf("version %d, %v", got.Version, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestClaimRace: fifty callers race for a name while responses are lost, connections break, and the
// service is busy. One of them starts it. Another may not learn that it has lost, but no other is
// told that it has won.
func TestClaimRace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		server := tablestore.New(tablestore.Options{})
		s := open(t, server, otsstore.Options{})
		server.SetFault(tablestore.Chance{Seed: seed, Busy: 0.1, Conflict: 0.1, Drop: 0.05,
			Lose: 0.1, Timeout: 0.1, Latency: time.Millisecond}.Hook())
		for round := range 4 {
			key := driver.Key{Partition: fmt.Sprint("x#1#race", round), Sort: "a"}
			claim := absent
			if round%2 == 1 { // over an expired row
				claim.Now = 2000
				if err := s.Put(t.Context(), []driver.Row{{Key: key, Expires: 1000}}); err != nil {
					t.Fatal(err)
				}
			}
			var won atomic.Int64
			var done sync.WaitGroup
			for i := range 50 {
				done.Go(func() {
					if err := s.Commit(
						t.Context(), nil, driver.Row{Key: key, Version: 1, Fence: fmt.Sprint(i)},
						claim,
					); err == nil {
						won.Add(1)
						if got, err := s.Get(t.Context(), key); err != nil ||
							got.Fence != fmt.Sprint(i) {
							t.Errorf("the winner %d finds %q, %v", i, got.Fence, err)
						}
					}
				})
			}
			done.Wait()
			if won.Load() != 1 {
				t.Errorf("seed %d, round %d: %d winners", seed, round, won.Load())
			}
		}
	}
}

// TestThrottled: a throttled store is slow, not wrong. Every call of the suite meets throttling and
// conflicts.
func TestThrottled(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server := tablestore.New(tablestore.Options{})
		s := open(t, server, otsstore.Options{})
		server.SetFault(tablestore.Chance{Seed: 1, Busy: 0.1, Conflict: 0.15}.Hook())
		return storetest.Harness{Driver: s}
	})
}

// TestBrokenConnections: connections break and responses are lost. A single writer still gets the
// right result.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	server.SetFault(tablestore.Chance{Seed: 3, Drop: 0.1, Lose: 0.2, Timeout: 0.1}.Hook())
	key := driver.Key{Partition: "x#1#long", Sort: "a"}
	cond := absent
	for v := int64(1); v <= 60; v++ {
		r := driver.Row{Key: key, Version: v, Fence: "r"}
		puts := []driver.Row{
			{Key: driver.Key{Partition: key.Partition, Sort: fmt.Sprintf("h#%02d", v)}},
			{Key: driver.Key{Partition: "v", Sort: fmt.Sprint(v)}},
		}
		if err := s.Commit(t.Context(), puts, r, cond); err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		cond = at(v)
	}
	rows, more, err := s.Range(t.Context(), driver.Range{Partition: key.Partition})
	if err != nil || more || len(rows) != 61 || rows[0].Version != 60 {
		t.Fatalf("%d rows, more %v, %v", len(rows), more, err)
	}
}

// TestThrottledForever: a call that is throttled for all of RetryFor, or until its context ends,
// says what to do.
func TestThrottledForever(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	server.SetFault(func(tablestore.Request) tablestore.Fault {
		return tablestore.Fault{Refuse: tablestore.NotEnoughCapacity}
	})
	o := otsstore.Options{Client: newClient(server, nil), Table: table,
		RetryFor: 100 * time.Millisecond}
	err := otsstore.New(o).Commit(t.Context(), []driver.Row{row(0, "put")}, row(1, ""), absent)
	if err == nil || !strings.Contains(err.Error(), "out of capacity") {
		t.Errorf("got %v", err)
	}
	o.RetryFor = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := otsstore.New(o).Get(ctx, keyA); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestBatchRows: rows that fail inside a batch are written in the end; if one cannot be, Put
// returns its error.
func TestBatchRows(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	var rows []driver.Row
	for i := range 450 {
		key := driver.Key{Partition: "p", Sort: fmt.Sprintf("%03d", i)}
		rows = append(rows, driver.Row{Key: key})
	}
	var n atomic.Int64
	server.SetFault(func(r tablestore.Request) tablestore.Fault {
		return tablestore.Fault{Rows: func(i int) *tablestore.Error {
			if n.Add(1)%3 == 0 {
				return []*tablestore.Error{tablestore.RowOperationConflict, tablestore.ServerBusy,
					tablestore.Timeout}[i%3]
			}
			return nil
		}}
	})
	if err := s.Put(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	got, more, err := s.Range(t.Context(), driver.Range{Partition: "p"})
	if err != nil || more || len(got) != len(rows) {
		t.Fatalf("%d of %d rows, more %v, %v", len(got), len(rows), more, err)
	}
	tooLong := &tablestore.Error{Status: 403, Code: "OTSOutOfRowSizeLimit", Text: "too long"}
	for _, e := range []*tablestore.Error{tooLong, tablestore.ServerBusy} {
		server.SetFault(func(tablestore.Request) tablestore.Fault {
			return tablestore.Fault{Rows: func(i int) *tablestore.Error {
				if i == 1 {
					return e
				}
				return nil
			}}
		})
		// One of the two rows is left, and is then row 0 of a batch of one.
		err := s.Put(t.Context(), rows[:2])
		if e == tooLong && (err == nil || !strings.Contains(err.Error(), e.Code)) ||
			e != tooLong && err != nil {
			t.Errorf("%s: %v", e.Code, err)
		}
	}
}

// TestHangingAttempt: an attempt without a response is repeated.
func TestHangingAttempt(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{AttemptTime: time.Second})
	server.SetFault(first(1, "PutRow", tablestore.Fault{Delay: time.Hour}))
	if err := s.Commit(t.Context(), nil, row(1, "mine"), absent); err != nil {
		t.Fatal(err)
	}
}

// TestCancelledInFlight: a call over HTTP also ends with its context.
func TestCancelledInFlight(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	web := httptest.NewServer(server)
	defer web.Close()
	client := otsstore.NewClient(otsstore.ClientOptions{Endpoint: web.URL,
		Instance: tablestore.DefaultInstance, Credentials: key(tablestore.DefaultKey)})
	s := open(t, server, otsstore.Options{Client: client})
	ctx, cancel := context.WithCancel(t.Context())
	server.SetFault(func(tablestore.Request) tablestore.Fault {
		cancel()
		return tablestore.Fault{Delay: time.Hour}
	})
	if _, err := s.Get(ctx, keyA); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	server.SetFault(nil)
	if _, err := s.Get(t.Context(), keyA); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("the next call: %v", err)
	}
}

// TestLaggingIndexes: lagging indexes change only when List and Due show what was written.
func TestLaggingIndexes(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return storetest.Harness{Driver: open(t,
			tablestore.New(tablestore.Options{IndexLag: 80 * time.Millisecond}),
			otsstore.Options{}), Lag: time.Minute}
	})
}

// TestSmallPages: pages that end after few rows are continued.
func TestSmallPages(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return storetest.Harness{Driver: open(t, tablestore.New(tablestore.Options{PageRows: 1}),
			otsstore.Options{})}
	})
}

// TestRotatingCredentials: when credentials have expired, the call gets new ones and goes on.
func TestRotatingCredentials(t *testing.T) {
	old := tablestore.Key{ID: "sts1", Secret: "s1", Token: "t1"}
	fresh := tablestore.Key{ID: "sts2", Secret: "s2", Token: "t2"}
	server := tablestore.New(tablestore.Options{Keys: []tablestore.Key{old}})
	var calls atomic.Int64
	var rotated atomic.Bool
	client := otsstore.NewClient(otsstore.ClientOptions{Endpoint: "http://tablestore.test",
		Instance: tablestore.DefaultInstance, Transport: server,
		Credentials: func(ctx context.Context) (alibaba.Credentials, error) {
			// new credentials are available only a little later
			if k := calls.Add(1); rotated.Load() && k%2 == 0 {
				return key(fresh)(ctx)
			}
			return key(old)(ctx)
		}})
	s := open(t, server, otsstore.Options{Client: client})
	if err := s.Commit(t.Context(), nil, row(1, ""), absent); err != nil {
		t.Fatal(err)
	}
	server.SetKeys(fresh)
	rotated.Store(true)
	if err := s.Commit(t.Context(), nil, row(2, ""), at(1)); err != nil {
		t.Errorf("after the change: %v", err)
	}
}
