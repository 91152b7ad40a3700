package engine_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestActivity: starts and ends are counted in their minutes, for their account, and are forgotten
// after an hour; what is due late is seen.
func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(nil)
		good, bad := w.flow("good", onePass), w.flow("bad", oneTask)
		w.tasks.on("A", sleeping(90*time.Second, `{}`))
		h.start(good, "one")
		h.start(good, "two")
		h.start(bad, "three")
		account := good.Account
		time.Sleep(time.Second)
		now := h.Activity(account)
		if len(now) != 60 || now[59].Starts != 3 || now[59].Ends != 2 || now[59].Failed != 0 {
			t.Errorf("%+v", now[59])
		}
		time.Sleep(2 * time.Minute)
		later := h.Activity(account)
		starts, ends := int64(0), int64(0)
		for _, m := range later {
			starts, ends = starts+m.Starts, ends+m.Ends
		}
		if starts != 3 || ends != 3 || later[57].Starts != 3 || later[59].Starts != 0 {
			t.Errorf("%d starts, %d ends; %+v", starts, ends, later[56:])
		}
		if other := h.Activity("nobody"); other[57].Starts != 0 || other[59].Minute == 0 {
			t.Errorf("another account: %+v", other[57])
		}
		time.Sleep(time.Hour)
		for _, m := range h.Activity(account) {
			if m.Starts+m.Ends != 0 {
				t.Errorf("after an hour: %+v", m)
			}
		}
		h.close()
	})
}
