package cli_test

import (
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// TestBulk checks what the commands for bulk operations send, ask and show.
func TestBulk(t *testing.T) {
	s := newShell(t, &fakeAPI{flows: []cloudflow.Flow{{Name: "orders", Description: "d"}},
		end: cloudflow.Execution{Name: "order-1"}})
	s.expect(2, nil, []string{"say which executions"}, "bulk", "stop", "orders", "--yes")
	s.expect(2, nil, []string{"not both"}, "bulk", "stop", "orders", "x", "--status", "running", "--yes")
	s.expect(2, nil, []string{"--yes"}, "bulk", "stop", "orders", "--status", "running")
	for _, c := range []struct{ args, out string }{
		{"stop orders --status running --dry-run", "12 executions of flow orders, only " +
			"executions that run\n  order-1\n  x2\n  and 10 more\n"},
		{"start orders order-7 --name again --reason r --rate 5 --yes",
			"bulk operation again accepted; millrace bulk describe orders again\n"},
		{"list orders", "NAME     OPERATION   STATUS   ACCEPTED"},
		{"describe orders again", "3 accepted (0 running, 0 succeeded, 0 failed, 0 timed out, " +
			"3 stopped), 1 rejected"},
		{"results orders again", "EXECUTION"},
		{"cancel orders again", "Status"},
	} {
		code, out, errs := s.run(append([]string{"bulk"}, strings.Fields(c.args)...)...)
		if code != 0 || errs != "" || !strings.Contains(out, c.out) {
			t.Errorf("%s: %d %q %q", c.args, code, out, errs)
		}
	}
}
