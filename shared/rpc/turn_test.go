package rpc_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"millrace/shared/rpc"
	"millrace/shared/share"
)

// Long requests of callers who are not known wait for a processor, short ones do not.
func TestLongRequestsOfStrangersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		processors := share.New(share.Options{Name: "processors", Capacity: 2, Turns: true})
		h := rpc.New(rpc.Options{API: &fakeAPI{}, Credentials: &rpc.Credentials{}, Processors: processors})
		ask := func(pad int) chan int {
			answered := make(chan int, 1)
			go func() {
				w := httptest.NewRecorder()
				body := "Action=ListFlows&Version=2019-03-15&AccessKeyId=x&Pad=" + strings.Repeat("x", pad)
				h.ServeHTTP(w, raw("POST", "/", "application/x-www-form-urlencoded", body))
				answered <- w.Code
			}()
			synctest.Wait()
			return answered
		}
		processors.Acquire(t.Context(), "1", 1)
		processors.Acquire(t.Context(), "2", 1)
		if short := ask(10); len(short) != 1 {
			t.Error("a short request waits for a processor before its caller is known")
		}
		long := ask(9000)
		if len(long) != 0 {
			t.Error("a long request does not wait")
		}
		processors.Release("1", 1)
		synctest.Wait()
		if len(long) != 1 {
			t.Error("a long request waits on")
		}
		if u := processors.Usage(); len(u) != 1 {
			t.Errorf("at the end: %+v", u)
		}
	})
}
