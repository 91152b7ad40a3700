package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/share"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// diskUseHarness is a store with two accounts, on a disk with a set amount of free space.
type diskUseHarness struct {
	store *store.Store
	use   *store.DiskUse
	free  int64
	now   time.Time
}

func newDiskUseHarness(t *testing.T) *diskUseHarness {
	w := &diskUseHarness{free: 1 << 30, now: time.UnixMilli(1_800_000_000_000)}
	clock := func() time.Time { return w.now }
	w.use = store.NewDiskUse(func() (int64, bool) { return w.free, w.free >= 0 }, clock)
	w.store = store.New(store.Options{Driver: memstore.New(), Now: clock, Exclusive: true,
		DiskUse: w.use})
	for _, account := range []string{"greedy", "quiet"} {
		if err := w.flow(account, "f"); err != nil {
			t.Fatal(err)
		}
	}
	w.recount(t)
	return w
}

func (w *diskUseHarness) recount(t *testing.T) {
	t.Helper()
	if err := w.store.Recount(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (w *diskUseHarness) flow(account, name string) error {
	return w.store.CreateFlow(context.Background(),
		&store.Flow{Account: account, Name: name, ID: account + "-" + name}, "type: flow", 0)
}

func (w *diskUseHarness) execution(account, name string) *store.Execution {
	started := w.now.UnixMilli()
	return &store.Execution{Account: account, Flow: "f", FlowID: account + "-f", Name: name, Run: 1,
		Started: started, Expires: started + 1e9,
		Input: []byte(`{"x":"` + strings.Repeat("x", 40_000) + `"}`)}
}

func (w *diskUseHarness) create(account, name string) error {
	return w.store.Create(context.Background(), w.execution(account, name),
		&store.Change{Status: flow.Running})
}

// TestDiskUseOfOneAccount: an account that takes more of the disk than is free starts nothing new.
// The other account is not affected.
func TestDiskUseOfOneAccount(t *testing.T) {
	w := newDiskUseHarness(t)
	for i := range 50 { // 2 MB
		if err := w.create("greedy", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.use.Bytes()["greedy"]; n < 2_000_000 || n > 2_100_000 {
		t.Errorf("50 executions of 40 KB are counted as %d bytes", n)
	}
	w.free = 1_500_000
	var r *share.LimitError
	for what, err := range map[string]error{"an execution": w.create("greedy", "new"),
		"a flow": w.flow("greedy", "g")} {
		if !errors.As(err, &r) || r.FaultCode() != "ResourceThrottled" ||
			!strings.Contains(err.Error(), "bytes of the disk") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.create("greedy", "0"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := w.create("quiet", "new"); err != nil {
		t.Errorf("the other account: %v", err)
	}
	x, err := w.store.Load(context.Background(), store.Partition("greedy-f", "0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Commit(
		context.Background(), x, &store.Change{Status: flow.Running},
	); err != nil {
		t.Errorf("what runs goes on: %v", err)
	}
	w.free = -1 // unknown
	if err := w.create("greedy", "new"); err != nil {
		t.Error(err)
	}
}

// TestRecount: a recount sees rows from before this process and rows that were deleted since.
func TestRecount(t *testing.T) {
	w := newDiskUseHarness(t)
	for i := range 50 {
		if err := w.create("greedy", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	counted := w.use.Bytes()
	w.recount(t)
	for account, n := range w.use.Bytes() {
		if was := counted[account]; n < was*9/10 || n > was*11/10 {
			t.Errorf("%s: %d bytes, and %d when counted anew", account, was, n)
		}
	}
	w.free = 1_500_000
	w.now = w.now.Add(time.Hour)
	if err := w.create("greedy", "new"); err == nil {
		t.Fatal("beyond its share")
	}
	select {
	case <-w.use.RecountRequested():
	default:
		t.Error("nobody is asked to count anew")
	}
	w.now = w.now.Add(1e9 * time.Millisecond)
	for i := range 50 {
		if err := w.store.DeleteExpiredExecution(
			context.Background(), store.Partition("greedy-f", fmt.Sprint(i)),
		); err != nil {
			t.Fatal(err)
		}
	}
	w.recount(t)
	if err := w.create("greedy", "new"); err != nil {
		t.Errorf("after its executions were forgotten: %v", err)
	}
}
