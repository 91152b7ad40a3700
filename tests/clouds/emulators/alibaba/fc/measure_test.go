package fc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/fc"
)

// TestCold: every Cold starts a process of its own, and leaves none behind.
func TestCold(t *testing.T) {
	both(t, func(t *testing.T, r fc.Runtime) {
		f := deploy(t, r, nil)
		for range 2 {
			s, err := f.Cold(func() error {
				w := httptest.NewRecorder()
				fc.Trigger{Function: f}.ServeHTTP(w,
					httptest.NewRequest(http.MethodGet, "http://f/hello", nil))
				if w.Code != http.StatusAccepted {
					return fmt.Errorf("status %d", w.Code)
				}
				return nil
			})
			if err != nil || s.Init <= 0 || s.Answer < s.Init {
				t.Errorf("%+v %v", s, err)
			}
		}
		if f.ColdStarts() != 2 || !f.Idle() {
			t.Errorf("%d cold starts, idle %v", f.ColdStarts(), f.Idle())
		}
		if _, err := f.Cold(func() error { return nil }); err == nil {
			t.Error("a call that invokes nothing is measured")
		}
	})
}

// TestBilled: simultaneous invocations of one instance are billed once.
func TestBilled(t *testing.T) {
	f := deploy(t, fc.Custom, func(f *fc.Function) { f.Concurrency = 4 })
	sleep := func() {
		w := httptest.NewRecorder()
		fc.Trigger{Function: f}.ServeHTTP(w,
			httptest.NewRequest(http.MethodGet, "http://f/?for=50ms", nil))
	}
	began := time.Now()
	var all sync.WaitGroup
	for range 4 {
		all.Go(sleep)
	}
	all.Wait()
	if billed, took := f.Billed(), time.Since(began); billed <= 0 ||
		billed > took+2*time.Millisecond || f.Invocations() != 4 || !f.Idle() {
		t.Errorf("%v billed of %v, %d invocations, idle %v", billed, took,
			f.Invocations(), f.Idle())
	}
}
