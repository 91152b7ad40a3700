//go:build linux

package clouds_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// objects returns a JSON text of about the given bytes that decodes to seventy times as many.
func objects(bytes int) string { return "[" + strings.Repeat(`{"":0},`, bytes/7-1) + `{"":0}]` }

// TestLimits checks that functions whose memory is limited to their configured size go on, whatever
// unknown callers send and tasks return.
func TestLimits(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"long": objects(8 << 20), "many": objects(1_000_000),
		"numbers": "[" + strings.Repeat("0,", 499_999) + "0]", "small": "{}"}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.(http.Flusher).Flush() // so that no length is sent
		io.WriteString(w, answers[r.Header.Get("X-Fc-Function-Name")])
	}))
	t.Cleanup(service.Close)
	onEachTarget(t, func(*testing.T, target) (options, bool) {
		return options{apis: 1, deployed: true, limited: true,
			env: []string{"MILLRACE_CALL_SECONDS=25",
				"MILLRACE_FUNCTIONS=functions: [{match: '*', http: '" + service.URL + "'}]"}}, true
	}, func(t *testing.T, s *stack, _ bool) {
		s.Define("pass", pass)
		testStrangers(t, s)
		testLargeAnswers(t, s)
		api, runner := s.peaks()
		for name, m := range map[string]memoryUse{"api": api, "steprunner": runner} {
			t.Logf("%s of %d MB: peak %d MB, %d ended", name, m.size, m.peak>>20, m.ended)
			if m.ended > 0 || m.peak > int64(m.size)<<20 {
				t.Errorf("%s of %d MB: peak %d MB, %d ended", name, m.size, m.peak>>20, m.ended)
			}
		}
	})
}

// testStrangers sends 50 concurrent requests of a megabyte, as many as an instance of Function
// Compute takes, from an unknown caller.
func testStrangers(t *testing.T, s *stack) {
	address := s.address(s.fronts()[0])
	body := `{"a":` + objects(1_000_000) + "}"
	v3 := map[string]string{"x-acs-action": "StartExecution", "x-acs-version": "2019-03-15",
		"Content-Type": "application/json"}
	for name, header := range map[string]map[string]string{
		"V1":     {"Content-Type": "application/json"},
		"form":   {"Content-Type": "application/x-www-form-urlencoded"},
		"bearer": {"Authorization": "Bearer nobody"},
		"V3": {"x-acs-signature-nonce": "1",
			"x-acs-date":           time.Now().UTC().Format("2006-01-02T15:04:05Z"),
			"x-acs-content-sha256": strings.Repeat("0", 64),
			"Authorization": "ACS3-HMAC-SHA256 Credential=AKTEST," +
				"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-version," +
				"Signature=" + strings.Repeat("0", 64)},
	} {
		var mu sync.Mutex
		var all sync.WaitGroup
		got := map[int]int{}
		for range 50 {
			all.Go(func() {
				r, err := http.NewRequest("POST",
					address+"/?Action=StartExecution&Version=2019-03-15", strings.NewReader(body))
				if err != nil {
					panic(err) // only texts of this test
				}
				for _, part := range []map[string]string{v3, header} {
					for k, v := range part {
						r.Header.Set(k, v)
					}
				}
				if name == "V1" || name == "form" {
					r.Header.Del("x-acs-action")
				}
				status := 0
				if response, err := http.DefaultClient.Do(r); err == nil {
					io.Copy(io.Discard, response.Body)
					response.Body.Close()
					status = response.StatusCode
				}
				mu.Lock()
				defer mu.Unlock()
				got[status]++
			})
		}
		all.Wait()
		t.Logf("%s: %v", name, got)
		if got[0]+got[200]+got[500]+got[502] > 0 {
			t.Errorf("%s: %v", name, got)
		}
		s.Start("pass", "after-"+name, "{}")
	}
}

// testLargeAnswers runs tasks whose responses are too large, and others whose messages come in the
// same batches.
func testLargeAnswers(t *testing.T, s *stack) {
	for name := range map[string]bool{"long": true, "many": true, "numbers": true, "small": true} {
		s.Define(name,
			"- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  MaxConcurrency: 10\n"+
				"  Processor:\n    StartAt: B\n    States:\n"+
				"    - {Name: B, Type: Task, Action: 'FC:InvokeFunction', Parameters: "+
				"{resourceArn: "+
				"'acs:fc:::functions/"+name+
				"', invocationType: Sync}, OutputConstructor: {n: 1}, End: true}\n"+
				"  OutputConstructor: {n: 1}\n  End: true\n")
	}
	large := []struct{ flow, status string }{{"long", "Failed"}, {"many", "Failed"},
		{"numbers", "Succeeded"}}
	for i := range 2 {
		for _, l := range large {
			s.Start(l.flow, fmt.Sprint("x", i), `{"items":[1,2,3,4]}`)
			s.Start("small", l.flow+fmt.Sprint(i), `{"items":[1,2,3]}`)
		}
	}
	for i := range 2 {
		for _, l := range large {
			s.Succeeded("small", l.flow+fmt.Sprint(i), `{"n":1}`)
			if x := s.Wait(l.flow, fmt.Sprint("x", i), endMax); x.Status != l.status {
				t.Errorf("%s: %s, want %s; %v", l.flow, x.Status, l.status,
					s.History(l.flow, fmt.Sprint("x", i)))
			}
		}
	}
	if n := s.deadLetters(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// endMax is how long an execution may take if memory is short.
const endMax = 5 * time.Minute
