package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
	"millrace/shared/share"
)

// TestLongUnauthenticatedRequestsTakeTurns checks that a long request waits for a processor before
// its caller is authenticated, and that a short one does not.
func TestLongUnauthenticatedRequestsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		processors := share.New(share.Options{Name: "processors", Capacity: 2, RoundRobin: true})
		h := server.NewHandler(server.Options{API: &fakeAPI{}, Credentials: &auth.Credentials{},
			Processors: processors})
		call := func(pad int) chan int {
			codes := make(chan int, 1)
			go func() {
				w := httptest.NewRecorder()
				body := "Action=ListFlows&Version=2019-03-15&AccessKeyId=x&Pad=" +
					strings.Repeat("x", pad)
				h.ServeHTTP(w, raw("POST", "/", "application/x-www-form-urlencoded", body))
				codes <- w.Code
			}()
			synctest.Wait()
			return codes
		}
		processors.Acquire(t.Context(), "1", 1)
		processors.Acquire(t.Context(), "2", 1)
		if short := call(10); len(short) != 1 {
			t.Error("a short request waits for a processor before its caller is known")
		}
		long := call(9000)
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

// TestLongRequestsTakeTurnsWithTheClaimedAccount checks that a long request takes its turn with the
// account whose key it names, wherever it names it.
func TestLongRequestsTakeTurnsWithTheClaimedAccount(t *testing.T) {
	credentials, err := auth.New([]auth.Account{{ID: "7",
		Keys: []auth.AccessKey{{ID: "busy", Secret: "s"}}}})
	if err != nil {
		t.Fatal(err)
	}
	body := "Action=ListFlows&Version=2019-03-15&Pad=" + strings.Repeat("x", 9000)
	for name, c := range map[string]struct{ query, body, authorization, account string }{
		"form":  {"/", body + "&AccessKeyId=busy&Z=1", "", "7"},
		"query": {"/?AccessKeyId=busy", body, "", "7"},
		"header": {"/", body, "ACS3-HMAC-SHA256 Credential=busy,SignedHeaders=host,Signature=00",
			"7"},
		"unknown": {"/", body + "&AccessKeyId=nobody", "", ""},
		"nothing": {"/", body, "", ""},
		"long":    {"/", body + "&AccessKeyId=" + strings.Repeat("busy", 1000), "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			processors := share.New(share.Options{Name: "processors", Capacity: 1,
				RoundRobin: true})
			h := server.NewHandler(server.Options{API: &fakeAPI{}, Credentials: credentials,
				Processors: processors})
			processors.Acquire(t.Context(), "8", 1)
			done := make(chan bool)
			go func() {
				r := raw("POST", c.query, "application/x-www-form-urlencoded", c.body)
				if c.authorization != "" {
					r.Header.Set("Authorization", c.authorization)
				}
				h.ServeHTTP(httptest.NewRecorder(), r)
				close(done)
			}()
			synctest.Wait()
			waits := ""
			for _, u := range processors.Usage() {
				if u.Waiting > 0 {
					waits = u.Account
				}
			}
			if waits != share.Claimed(c.account) {
				t.Errorf("%s: %q waits, want %q", name, waits, share.Claimed(c.account))
			}
			processors.Release("8", 1)
			<-done
		})
	}
}
