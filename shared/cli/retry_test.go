package cli_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/server"
	"millrace/tests/support/port"
)

// TestAwaitsStartup calls a server that listens only after the command has begun: whatever it
// calls, the command waits for a moment.
func TestAwaitsStartup(t *testing.T) {
	for _, args := range [][]string{
		{"flow", "list"},
		{"start", "orders"},
		{"report", "succeeded", "--token", "t"},
		{"describe", "orders", "e", "--wait"},
	} {
		s := newShell(t, succeeding())
		address, err := port.Loopback()
		if err != nil {
			t.Fatal(err)
		}
		s.env["MILLRACE_ENDPOINT"] = address
		sleeps := 0
		s.onSleep = func() {
			if sleeps++; sleeps != 4 {
				return
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			host := &http.Server{Handler: server.NewHandler(server.Options{API: s.api})}
			go host.Serve(l)
			t.Cleanup(func() { host.Close() })
		}
		code, _, errs := s.run(args...)
		if code != 0 || strings.Count(errs, "no server listens at http://"+address+" yet") != 1 {
			t.Errorf("%q: exit code %d\n%s", args, code, errs)
		}
	}
}

// TestStartupEnds: a command that nobody answers does not wait for long. Completion does not wait
// at all.
func TestStartupEnds(t *testing.T) {
	address, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t, succeeding())
	s.env["MILLRACE_ENDPOINT"] = address
	s.expect(3, nil, []string{"no server listens", "is `millrace serve` running"}, "flow", "list")
	if waited := s.now.Sub(noon); waited < 2*time.Second || waited > 4*time.Second {
		t.Errorf("it waited for %v", waited)
	}
	s.now = noon
	s.expect(0, nil, []string{"! listens"}, "__complete", "list", "")
	if s.now != noon {
		t.Error("completion waits")
	}
}
