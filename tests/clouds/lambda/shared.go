package lambda

import (
	"sync"
	"testing"

	"millrace/tests/clouds"
	"millrace/tests/clouds/emulators"
)

// processTB is a test whose clean-up waits for the end of the process: the things it starts serve
// all tests.
type processTB struct {
	testing.TB
	ends []func()
}

// Cleanup is called when the process ends.
func (l *processTB) Cleanup(f func()) { l.ends = append(l.ends, f) }

// shared holds the emulators of all stacks of this process. They have a table and queues for each
// stack.
var shared struct {
	mu              sync.Mutex
	dynamo, queues  string
	dynamoT, queueT processTB
}

// startShared starts the emulators, unless they run already, and returns their endpoints.
func startShared(t testing.TB) (dynamo, queues string) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.dynamo == "" {
		shared.dynamoT.TB = t
		shared.dynamo = emulators.StartDynalite(&shared.dynamoT)
	}
	if shared.queues == "" {
		shared.queueT.TB = t
		shared.queues = emulators.StartFauxqs(&shared.queueT)
	}
	return shared.dynamo, shared.queues
}

// End ends the emulators and removes the binaries, which serve all tests of the process. TestMain
// calls it.
func End() {
	shared.mu.Lock()
	for _, end := range append(shared.dynamoT.ends, shared.queueT.ends...) {
		end()
	}
	shared.mu.Unlock()
	clouds.RemoveBinaries()
}
