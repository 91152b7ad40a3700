package engine_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// TestSweepLeavesDamagedRows: the sweeper of an acceptor does not write a row again whose body
// cannot be read, because a single read may have failed. Once the row can be read the execution
// goes on.
func TestSweepLeavesDamagedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		f := w.flow("f",
			"- {Name: A, CALL, Next: B}\n- {Name: B, Type: Wait, Seconds: 300, Next: C}\n"+
				"- {Name: C, CALL, End: true}\n")
		d.start(f, "one")
		time.Sleep(2 * time.Second)
		synctest.Wait()

		key := driver.Key{Partition: store.Partition(f.ID, "one"), Sort: "a"}
		whole, body := w.row(key), w.load(f, "one").Body
		damaged := whole
		damaged.Data = bytes.Clone(whole.Data)
		damaged.Data[bytes.LastIndex(whole.Data, body)+len(body)-1] = 0xff
		damaged.Data[bytes.LastIndex(whole.Data, body)] = 0xff
		w.put([]driver.Row{damaged})
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if row := w.row(key); row.Version != whole.Version || !bytes.Equal(row.Data, damaged.Data) {
			t.Errorf("version %d was written over the damaged version %d", row.Version,
				whole.Version)
		}

		w.put([]driver.Row{whole})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.checkEnded(f, "one", flow.Succeeded, "")
	})
}
