package local

import (
	"os"
	"runtime"
	"testing"

	"millrace/shared/config"
	"millrace/shared/flow"
)

// TestSpareThreads: the accounts share the processors. The spare threads are for goroutines that
// return from system calls.
func TestSpareThreads(t *testing.T) {
	if os.Getenv("GOMAXPROCS") != "" {
		t.Skip("GOMAXPROCS says how many threads there are")
	}
	p := newPools(&config.Settings{}, flow.Limits{}, true, 0)
	if got, want := runtime.GOMAXPROCS(0), processors()+spareThreads; got != want {
		t.Errorf("%d threads, want %d", got, want)
	}
	if got := int(p.processors.Capacity); got != max(processors(), 2) {
		t.Errorf("accounts share %d processors of %d", got, processors())
	}
}
