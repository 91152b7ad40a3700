package dispatch

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

// TestWorkers: each call is made once and at once, however many there are. A few goroutines
// wait for the next call, and none at the end.
func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine is left at the end
		life, end := context.WithCancel(t.Context())
		c := NewWorkers(life)
		for round := range 3 {
			var made sync.Map
			hold := make(chan struct{})
			for i := range 3 * idleWorkersMax {
				c.Run(func() {
					if _, twice := made.LoadOrStore(i, true); twice {
						t.Error("made twice: ", i)
					}
					<-hold
				})
			}
			synctest.Wait()
			calls := 0
			made.Range(func(any, any) bool { calls++; return true })
			if calls != 3*idleWorkersMax {
				t.Errorf("round %d: %d begun", round, calls)
			}
			close(hold)
			synctest.Wait()
			if n := c.idle.Load(); n != idleWorkersMax {
				t.Errorf("round %d: %d idle", round, n)
			}
		}
		end()
		synctest.Wait()
		if n := c.idle.Load(); n != 0 {
			t.Errorf("%d idle at the end", n)
		}
	})
}
