package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// errUnknownOutcome is the error of a driver that hides the outcome of a call, or does not carry it
// out.
var errUnknownOutcome = errors.New("the answer was lost")

// flowRace reads and writes one flow from many goroutines. Each driver call sleeps before and after
// it takes effect, for a time drawn from the seed, so that the calls of several goroutines
// interleave in every way.
type flowRace struct {
	t     *testing.T
	store *store.Store
	mem   *memstore.Store

	mu     sync.Mutex
	chance *rand.Rand
	floor  age // a read that begins from now on must not return an older flow
}

// age orders the flows that have had the name: by creation, then by version.
type age struct {
	creation int
	version  int64
}

func (a age) before(b age) bool {
	return a.creation < b.creation || a.creation == b.creation && a.version < b.version
}

func (r *flowRace) draw(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.chance.IntN(n)
}

func (r *flowRace) sleep() { time.Sleep(time.Duration(r.draw(50)) * time.Microsecond) }

// hook delays a call, and makes one write in eight fail.
func (r *flowRace) hook(op string, _ driver.Key) error {
	r.sleep()
	if (op == memstore.OpCommit || op == memstore.OpDelete) && r.draw(8) == 0 {
		return errUnknownOutcome
	}
	return nil
}

func ageOf(f *store.Flow) (a age) {
	if _, err := fmt.Sscanf(f.ID, "id%d", &a.creation); err != nil {
		panic(err)
	}
	a.version = f.Version
	return a
}

// wrote sets what reads may return from now on: what the driver holds after a write has returned,
// whatever that returned. There is only one writer, so no write is under way then. last is the
// creation that was tried last.
func (r *flowRace) wrote(last int) {
	at := age{last + 1, 0} // no flow: only a new creation may be read
	row, err := r.mem.Get(context.Background(), driver.Key{Partition: "f#1#f", Sort: "a"})
	if err == nil {
		at = ageOf(&store.Flow{ID: row.Fence, Version: row.Version})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = at
}

// read reads the flow and checks that it is not older than what was written before the read began.
func (r *flowRace) read() *store.Flow {
	r.mu.Lock()
	floor := r.floor
	r.mu.Unlock()
	f, err := r.store.GetFlow(context.Background(), "1", "f")
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		r.t.Error(err)
		return nil
	}
	if got := ageOf(f); got.before(floor) {
		r.t.Errorf("a read gives %v, and %v had been written before it began", got, floor)
	}
	return f
}

// write creates, updates or deletes the flow, or cancels its deletion. Most reads find the flow in
// the cache.
func (r *flowRace) write(rounds int) {
	ctx, last := context.Background(), 0
	for range rounds {
		f := r.read()
		switch n := r.draw(8); {
		case f == nil:
			last++
			f := &store.Flow{Account: "1", Name: "f", ID: fmt.Sprint("id", last)}
			r.store.CreateFlow(ctx, f, "text", 0)
		case n == 0:
			r.store.DeleteFlow(ctx, f)
		case n == 1:
			r.store.CancelDeletion(ctx, f, store.Tombstone{})
		default:
			r.store.UpdateFlow(ctx, f, fmt.Sprint("text", n), 0)
		}
		r.wrote(last)
		time.Sleep(time.Duration(r.draw(200)) * time.Microsecond)
	}
}

// TestCachedFlowIsNeverOlder: a read of a flow, through the cache or not, never returns a flow that
// was replaced by a write that returned before the read began, even if that write returned an
// error.
func TestCachedFlowIsNeverOlder(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem := memstore.New()
				r := &flowRace{t: t, mem: mem, chance: rand.New(rand.NewPCG(seed, 0)),
					store: store.New(store.Options{Driver: mem, Exclusive: true})}
				mem.Before, mem.After = r.hook, r.hook
				done := make(chan struct{})
				var readers sync.WaitGroup
				for range 6 {
					readers.Go(func() {
						for {
							select {
							case <-done:
								return
							default:
								r.read()
								r.sleep()
							}
						}
					})
				}
				r.write(60)
				close(done)
				readers.Wait()
				if r.floor.creation < 2 {
					t.Errorf("nothing was deleted: %v", r.floor)
				}
			})
		})
	}
}

// delayedDriver does not apply the next write of a flow and returns an unknown outcome; apply
// carries that write out.
type delayedDriver struct {
	driver.Driver
	late  bool
	apply func() error
}

func (d *delayedDriver) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, c driver.Condition,
) error {
	if !d.late {
		return d.Driver.Commit(ctx, puts, cas, c)
	}
	d.late, d.apply = false, func() error { return d.Driver.Commit(ctx, puts, cas, c) }
	return context.DeadlineExceeded
}

func (d *delayedDriver) Delete(ctx context.Context, key driver.Key, c *driver.Condition) error {
	if !d.late {
		return d.Driver.Delete(ctx, key, c)
	}
	d.late, d.apply = false, func() error { return d.Driver.Delete(ctx, key, c) }
	return context.DeadlineExceeded
}

// lateWrites are the writes of a flow.
var lateWrites = map[string]func(context.Context, *store.Store, *store.Flow) error{
	"update": func(ctx context.Context, s *store.Store, f *store.Flow) error {
		return s.UpdateFlow(ctx, f, "new", 0)
	},
	"delete": func(ctx context.Context, s *store.Store, f *store.Flow) error {
		return s.DeleteFlow(ctx, f)
	},
	"cancel deletion": func(ctx context.Context, s *store.Store, f *store.Flow) error {
		return s.CancelDeletion(ctx, f, store.Tombstone{})
	},
}

// TestFlowIsNotKeptBeforeALateWrite: a write whose caller gave up may take effect after a read, and
// later reads return what it wrote. A conflict of another write does not change that.
func TestFlowIsNotKeptBeforeALateWrite(t *testing.T) {
	for what, write := range lateWrites {
		ctx := t.Context()
		d := &delayedDriver{Driver: memstore.New()}
		s := store.New(store.Options{Driver: d, Exclusive: true})
		f := &store.Flow{Account: "1", Name: "f", ID: "id1"}
		if err := s.CreateFlow(ctx, f, "old", 0); err != nil {
			t.Fatal(err)
		}
		changed, stale := *f, *f
		d.late = true
		if err := write(ctx, s, &changed); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s: %v", what, err)
		}
		stale.Version = 7
		if err := s.UpdateFlow(ctx, &stale, "other", 0); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("%s: an update of another version: %v", what, err)
		}
		if got, err := s.GetFlow(ctx, "1", "f"); err != nil || got.Version != 1 {
			t.Fatalf("%s: before it takes effect: %+v, %v", what, got, err)
		}
		if err := d.apply(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got, err := s.GetFlow(ctx, "1", "f")
		if gone := errors.Is(err, store.ErrNotFound); gone != (what == "delete") ||
			!gone && (err != nil || got.Version != 2) {
			t.Errorf("%s: after it took effect: %+v, %v", what, got, err)
		}
	}
}

// TestFlowIsKeptAgain: after a write of unknown outcome, a write that succeeds lets the cache keep
// the flow again.
func TestFlowIsKeptAgain(t *testing.T) {
	ctx, mem := t.Context(), memstore.New()
	d := &delayedDriver{Driver: mem}
	s := store.New(store.Options{Driver: d, Exclusive: true})
	f := &store.Flow{Account: "1", Name: "f", ID: "id1"}
	if err := s.CreateFlow(ctx, f, "old", 0); err != nil {
		t.Fatal(err)
	}
	changed := *f
	d.late = true
	if err := s.UpdateFlow(ctx, &changed, "new", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if err := s.UpdateFlow(ctx, f, "newer", 0); err != nil {
		t.Fatal(err)
	}
	if err := d.apply(); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the first update is not refused: %v", err)
	}
	reads := 0
	mem.Before = func(string, driver.Key) error { reads++; return nil }
	for range 3 {
		if got, err := s.GetFlow(ctx, "1", "f"); err != nil || got.Version != 2 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if reads != 1 {
		t.Errorf("three reads of a flow have read the row %d times", reads)
	}
}
