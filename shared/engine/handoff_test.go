package engine_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestOutboxWithoutItsValue: an entry whose value cannot be read is the sweeper's: invocations do
// not hand it from one to the next.
func TestOutboxWithoutItsValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		child := w.flow("child", "- {Name: A, Type: Pass, End: true, OutputConstructor: {long: '"+
			strings.Repeat("x", 2000)+"'}}\n")
		f := w.flow("parent", fmt.Sprintf(parent, ", executionName: N"))
		var slow, away atomic.Bool
		slow.Store(true)
		away.Store(true)
		w.hooks(func(op string, key driver.Key) error {
			switch {
			case key.Partition != store.Partition(child.ID, "N"):
			case op == memstore.OpCommit && w.commitsTried(child, "N") == 2 && slow.Swap(false):
				time.Sleep(51 * time.Second)
			case op == memstore.OpRange && strings.HasPrefix(key.Sort, "v#") &&
				!slow.Load() && away.Load():
				return errUnknownOutcome
			}
			return nil
		}, nil)
		d := w.deploy(time.Minute, nil)
		d.start(f, "one")
		time.Sleep(59 * time.Second)
		if n := d.invocations.Load(); slow.Load() || n > 4 {
			t.Errorf("%d invocations", n)
		}
		away.Store(false)
		time.Sleep(10 * time.Minute)
		w.checkEnded(f, "one", flow.Succeeded, "")
	})
}
