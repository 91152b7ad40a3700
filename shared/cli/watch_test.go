package cli_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"millrace/shared/rpc/client"
	"millrace/shared/rpc/server"
)

const progress = `execution made-up of flow orders
    0.001s  Charge                    entered
    0.250s  Charge                    attempt 1 failed: FC.Throttled: busy
    2.250s  Charge                    succeeded
    2.250s  (execution)               succeeded
`

func TestStartWait(t *testing.T) {
	s := newShell(t, succeeding())
	code, out, errs := s.run("start", "orders", "--wait")
	if code != 0 || out != "{\"paid\":true}\n" || errs != progress {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	s = newShell(t, succeeding())
	s.expect(0, []string{`"Output": "{\"paid\":true}"`}, []string{"! entered"}, "start", "orders",
		"--wait", "--quiet", "--output", "json")
}

func TestStartWaitOtherEnds(t *testing.T) {
	for status, how := range map[string]string{
		"Failed": "failed", "Stopped": "was stopped", "TimedOut": "timed out",
	} {
		s := newShell(t, failing(status))
		code, out, errs := s.run("start", "orders", "--wait", "--name", "n")
		want := "millrace: execution 'n' of flow 'orders' " + how +
			" after 2.250s: CardDeclined: limit\n"
		if code != 1 || out != "" || !strings.HasSuffix(errs, want) {
			t.Errorf("exit code %d, %q\n%s", code, out, errs)
		}
		s = newShell(t, failing(status))
		s.expect(1, []string{`"Status": "` + status + `"`, `"ErrorCode": "CardDeclined"`,
			`"ErrorMessage": "limit"`}, nil,
			"start", "orders", "--wait", "--output", "json")
	}
}

// TestWaitWithoutHistory waits with a key that may not read the history: the end is reported
// anyway, and the missing progress is explained once.
func TestWaitWithoutHistory(t *testing.T) {
	api := succeeding()
	api.noHistory = true
	code, out, errs := newShell(t, api).run("start", "orders", "--wait")
	if code != 0 || out != "{\"paid\":true}\n" ||
		strings.Count(errs, "no progress is shown, the history cannot be read: ") != 1 {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	api = failing("Failed")
	api.noHistory = true
	s := newShell(t, api)
	s.expect(1, nil, []string{"no progress is shown",
		"execution 'e' of flow 'orders' failed after 2.250s\n"}, "describe", "orders", "e",
		"--wait")
	s.expect(5, nil, []string{"AccessDenied", "! no progress"}, "history", "orders", "e",
		"--follow")
}

func TestWaitTimesOut(t *testing.T) {
	endless := func() *fakeAPI {
		f := succeeding()
		f.onDescribe = func() { f.described = 0 }
		return f
	}
	s := newShell(t, endless())
	s.expect(4, []string{"! paid"}, []string{"has not ended within 30ms; it goes on"}, "start",
		"orders", "--wait", "--timeout", "30ms")
	s.expect(4, nil, []string{"has not ended within 30ms; it goes on"}, "history", "orders", "e",
		"--follow", "--timeout", "30ms")
	ctx, cancel := context.WithCancel(context.Background())
	api := endless()
	calls := 0
	api.onDescribe = func() {
		api.described = 0
		if calls++; calls == 3 {
			cancel()
		}
	}
	s = newShell(t, api)
	s.ctx = ctx
	s.expect(130, nil, []string{"interrupted; execution 'e' of flow 'orders' goes on"}, "describe",
		"orders", "e", "--wait")
}

// TestWaitOutlivesServer breaks the connections of some requests while the program waits.
func TestWaitOutlivesServer(t *testing.T) {
	api := succeeding()
	s := newShell(t, api)
	inner := server.NewHandler(server.Options{API: api})
	var n atomic.Int64
	var always atomic.Bool
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := n.Add(1); r.Method == "GET" && (always.Load() && i > 4 || i%5 > 2) {
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
	defer host.Close()
	s.env["MILLRACE_ENDPOINT"] = host.URL
	s.expect(0, []string{`{"paid":true}`},
		append(strings.Split(progress, "\n"),
			"the server does not respond; trying again for a minute\n",
			"the server responds again, after 0."),
		"start", "orders", "--wait")
	api.described = 0
	n.Store(0)
	always.Store(true)
	s.expect(3, nil, []string{"cannot reach"}, "start", "orders", "--wait")
}

func TestDescribe(t *testing.T) {
	s := newShell(t, failing("Failed"))
	s.api.described = 10
	s.expect(0, []string{"Status:      Failed\n", "Failed in:   Charge, attempt 1\n",
		"Error:       CardDeclined: limit\n", "Ended:       2025-11-22",
		"Took:        2.250s\n"}, nil, "describe", "orders", "e")
	s.expect(0, []string{`"ErrorCode": "CardDeclined"`}, nil, "describe", "orders", "e", "--output",
		"json")
	s.expect(5, nil, []string{"ExecutionNotExists", "hint: `millrace list FLOW`"}, "describe",
		"orders", "none")
	s = newShell(t, succeeding())
	s.expect(0, []string{"{\"paid\":true}\n"}, []string{"succeeded"}, "describe", "orders", "e",
		"--wait")
}

const table = `   ID        TIME  TYPE                STATE                 DETAIL
    1      0.000s  ExecutionStarted                          {"input":{"id":7}}
    2      0.001s  StateEntered        Charge                {"input":{"id":7}}
    3      0.001s  TaskScheduled       Charge                {}
    4      0.250s  TaskFailed          Charge                {"cause":"busy","error":"FC.Throttled"}
    5      2.250s  StateSucceeded      Charge                {"output":{"paid":true}}
    6      2.250s  ExecutionSucceeded                        {"output":{"paid":true}}
`

func TestHistory(t *testing.T) {
	s := newShell(t, succeeding())
	s.api.described = 10
	if code, out, errs := s.run("history", "orders", "e"); code != 0 || out != table {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	_, out, _ := s.run("history", "orders", "e", "--output", "json")
	var got struct{ Events []client.Event }
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Events) != 6 ||
		got.Events[3].ScheduleEventID != 3 {
		t.Errorf("%v: %s", err, out)
	}
	long := `{"output":"` + strings.Repeat("é", 100) + `"}`
	s.api.events[5].Detail = long
	s.expect(0, []string{"é…\n"}, nil, "history", "orders", "e")
	s.expect(0, []string{long}, nil, "history", "orders", "e", "--full")
}

func TestHistoryFollow(t *testing.T) {
	s := newShell(t, succeeding())
	if code, out, errs := s.run("history", "orders", "e", "--follow"); code != 0 || out != table {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	s = newShell(t, succeeding())
	_, out, _ := s.run("history", "orders", "e", "--follow", "--output", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var last client.Event
	err := json.Unmarshal([]byte(lines[len(lines)-1]), &last)
	if err != nil || len(lines) != 6 || last.EventID != 6 {
		t.Errorf("%v: %s", err, out)
	}
}
