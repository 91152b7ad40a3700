package cloud_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"millrace/shared/app/cloud"
)

// commonVariables are those that the functions of every cloud read.
const commonVariables = `
		MILLRACE_CALL_SECONDS MILLRACE_CREDENTIALS MILLRACE_FUNCTIONS MILLRACE_REGION
		MILLRACE_RIGHTS MILLRACE_SETTINGS MILLRACE_STARTS MILLRACE_SYNC_SECONDS
		MILLRACE_WAIT_SECONDS QUEUE_URL STORE_URL`

// recorder is an environment that records which variables were read.
type recorder struct {
	of func(string) string

	mu   sync.Mutex
	read map[string]bool
}

func (r *recorder) getenv(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read[name] = true
	return r.of(name)
}

// checkVariables opens the engine, the API and the starter in an environment, and compares the
// variables that they read with a list.
func checkVariables(t *testing.T, of func(string) string, want string) {
	t.Helper()
	r := &recorder{of: of, read: map[string]bool{}}
	c, err := cloud.Open(context.Background(), r.getenv)
	if err == nil {
		_, err = c.Handler()
	}
	if err == nil {
		_, err = c.Starter()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names := strings.Fields(want)
	for name := range r.read {
		if !slices.Contains(names, name) {
			t.Errorf("%q was read, which is not on the list", name)
		}
	}
	for _, name := range names {
		if !r.read[name] {
			t.Errorf("%s was not read", name)
		}
	}
}
