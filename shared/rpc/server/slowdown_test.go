package server_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/rpc/server"
	"millrace/shared/share"
)

// TestRejectionsSlowDown checks that a rejection beyond an account's share is delayed, longer the
// more of them wait, that it holds nothing of the share meanwhile, and that other requests are not
// delayed.
func TestRejectionsSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := share.New(share.Options{Name: "requests", Capacity: 4})
		h := server.NewHandler(server.Options{API: &fakeAPI{}, Requests: requests})
		call := func() (status int, text string, took time.Duration) {
			began := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/?Action=ListFlows&Version=2019-03-15", nil))
			return w.Code, w.Body.String(), time.Since(began)
		}
		if status, text, took := call(); status != 200 || took != 0 {
			t.Errorf("within the share: %d %s after %v", status, text, took)
		}
		held := 0
		for requests.TryAcquire(server.DefaultAccount, 1) == nil {
			held++
		}
		var work sync.WaitGroup
		began := time.Now()
		for range 600 {
			work.Go(func() {
				if status, text, _ := call(); status != 503 &&
					!strings.Contains(text, "ResourceThrottled") {
					t.Errorf("beyond the share: %d %s", status, text)
				}
			})
		}
		synctest.Wait()
		if u := requests.Usage(); u[0].Held != int64(held) {
			t.Errorf("while refusals wait: %+v, want %d held", u, held)
		}
		work.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the last of 600 refusals came after %v", took)
		}
		if _, _, took := call(); took != 5*time.Millisecond {
			t.Errorf("one refusal alone came after %v", took)
		}
		requests.Release(server.DefaultAccount, 1)
		if status, text, took := call(); status != 200 || took != 0 {
			t.Errorf("within the share again: %d %s after %v", status, text, took)
		}
	})
}
