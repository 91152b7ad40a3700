package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestScheduleChangedByTwoClocks: a process whose clock is ahead has decided a planned time and not
// started it. A request that changes the schedule in a process with another clock starts it first,
// and nothing is started after the change.
func TestScheduleChangedByTwoClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", onePass)
		ahead := w.open(func(o *engine.Options) {
			o.Topology, o.Queue = engine.Servers, discardQueue{}
			o.Now = func() time.Time { return time.Now().Add(30 * time.Second) }
		})
		behind := w.open(func(o *engine.Options) {
			o.Topology, o.Queue = engine.Servers, discardQueue{}
		})
		behind.schedule(f, "s", "40 * * * * *")
		time.Sleep(15 * time.Second)
		down := errors.New("the store is away")
		w.hooks(func(op string, k driver.Key) error {
			if op == memstore.OpCommit && strings.HasPrefix(k.Partition, "x#") {
				return down
			}
			return nil
		}, nil)
		text, no := "other", false
		update := cloudflow.UpdateScheduleRequest{ScheduleName: "s", Description: &text}
		if err := ahead.updateSchedule(f, update); err == nil {
			t.Fatal("the decided time cannot have been started")
		}
		w.checkStarted(f)
		w.hooks(nil, nil)
		off := cloudflow.UpdateScheduleRequest{ScheduleName: "s", Enable: &no}
		if err := behind.updateSchedule(f, off); err != nil {
			t.Fatal(err)
		}
		started := startOf("s", 40*time.Second, -25*time.Second)
		w.checkStarted(f, started)
		time.Sleep(10 * time.Minute)
		w.checkStarted(f, started)
	})
}
