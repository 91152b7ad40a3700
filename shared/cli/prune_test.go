package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// TestExecutionDelete: it deletes in the order given and stops at the first that cannot be deleted.
func TestExecutionDelete(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{"execution a of flow orders deleted\nexecution b of flow orders deleted\n"},
		nil, "execution", "delete", "orders", "a", "b")
	s.expect(0, []string{`"Deleted": [`, `"a"`}, nil, "execution", "delete", "orders", "a", "-o",
		"json")
	s.expect(5, []string{"execution a of flow orders deleted\n", "! runs-b"},
		[]string{"ExecutionNotCompleted", "hint: `millrace stop FLOW EXECUTION` ends it"},
		"execution", "delete", "orders", "a", "runs-b", "c")
	s.expect(5, nil, []string{"ExecutionNotExists"}, "execution", "delete", "orders", "gone")
	if got := fmt.Sprint(s.api.requests); strings.Contains(got, "orders c") {
		t.Errorf("sent %s", got)
	}
}

// TestPrune: it deletes what ended before a time, once that is confirmed, and says what stays.
func TestPrune(t *testing.T) {
	const minute, hour = int64(60_000), int64(3_600_000)
	now := newShell(t, nil).now.UnixMilli()
	listed := []cloudflow.Execution{
		{Name: "runs-1", Status: "Running", StartedTime: now - 99*hour},
		{Name: "late", Status: "Failed", StartedTime: now - 99*hour, StoppedTime: now - minute},
		{Name: "old", Status: "Failed", StartedTime: now - 99*hour, StoppedTime: now - 98*hour},
		{Name: "owes-1", Status: "Failed", StartedTime: now - 99*hour, StoppedTime: now - 97*hour},
		{Name: "gone-1", Status: "Failed", StartedTime: now - 99*hour, StoppedTime: now - 97*hour},
	}
	for _, c := range []struct {
		stdin    string
		terminal bool
		args     string
		code     int
		deletes  bool
		out, err string
	}{
		{"", false, "", 2, false, "", "say which: --older-than 30d"},
		{"", false, "--older-than 1d", 2, false, "", "confirm that with --yes"},
		{"", false, "--older-than soon --yes", 2, false, "", `--older-than cannot be "soon"`},
		{"", false, "--older-than 1d --status running --yes", 2, false, "",
			"only what has ended is deleted"},
		{"", false, "--older-than 1d --dry-run", 0, false,
			"3 executions of flow orders ended before 2026-11-21T12:00:00.000Z\n  old\n  owes-1\n" +
				"  gone-1\n", ""},
		{"", false, "--older-than 1d --yes", 0, true, "1 deleted\nowes-1 stays: it is still", ""},
		{"n\n", true, "--older-than 1d", 1, false, "  old\n", "delete 3 executions, with all " +
			"history? [y/N]"},
		{"y\n", true, "--older-than 1d", 0, true, "1 deleted\n", "[y/N]"},
		{"", false, "--older-than 30d --yes", 0, false, "0 executions of flow orders", ""},
		{"", false, "--older-than 1d --yes -o json", 0, true, `"Deleted": [`, ""},
	} {
		s := newShell(t, succeeding())
		s.api.listed, s.stdin, s.interactive = listed, c.stdin, c.terminal
		code, out, errs := s.run(strings.Fields("prune orders " + c.args)...)
		requests := strings.Join(s.api.requests, "\n")
		deletes := strings.Contains(requests, "DeleteExecution orders old")
		if code != c.code || deletes != c.deletes || !strings.Contains(out, c.out) ||
			!strings.Contains(errs, c.err) || strings.Contains(requests, "orders late") ||
			strings.Contains(requests, "orders runs") {
			t.Errorf("%+v: exit code %d\n%s%s%s", c, code, out, errs, requests)
		}
	}
}
