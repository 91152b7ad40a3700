package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/tests/bench/report"
)

// TestMain lets the test binary act as the servers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestAll runs every scenario on a small scale. It checks that they work, not how fast they are.
func TestAll(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a dozen servers")
	}
	if raced {
		t.Skip("a Parallel of 100 calls does not end within a short window under the race detector")
	}
	var out bytes.Buffer
	args := []string{"-json", "-seconds", "0.4", "-clients", "2", "-waiting", "30", "-executions",
		"150", "-items", "20",
		"-dir", t.TempDir()}
	if err := run(t.Context(), args, &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Figures {
		got = append(got, f.Scenario)
		if f.Ours <= 0 {
			t.Errorf("%s: nothing measured", f.Scenario)
		}
	}
	want := "one-task five-tasks parallel-http parallel-pass start low-load map-pass map-http " +
		"map-express map-standard waiting schedules list"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("measured %s, want %s", s, want)
	}
	if r.Sync <= 0 || r.Append <= 0 {
		t.Errorf("sync %s, append %s", r.Sync, r.Append)
	}
}

func TestFlowsCompile(t *testing.T) {
	b := &bench{tasks: &tasks{url: "http://127.0.0.1:1/task"}}
	limits := flow.DefaultLimits()
	limits.ParallelBranches = 1000
	for name, text := range map[string]string{
		"pass": passFlow("f"), "one": b.rowFlow("f", 1), "five": b.rowFlow("f", 5),
		"waiting":           b.waitingFlow("f"),
		"parallel of tasks": parallelFlow("f", 100, "T", b.taskState("T", "", keepOrder)),
		"parallel of pass":  parallelFlow("f", 100, "P", passState),
		"map of tasks":      mapFlow("f", "T", b.taskState("T", "", keepOrder)),
		"map of pass":       mapFlow("f", "P", passState),
		"map of children":   distributed(mapFlow("f", "P", passState), flow.Express),
	} {
		if m, diagnostics := fdl.Parse([]byte(text), fdl.Options{Limits: limits}); m == nil {
			t.Errorf("%s: %v\n%s", name, fdl.Fault(diagnostics), text)
		}
	}
	var items struct{ Items []struct{ Order int } }
	if err := json.Unmarshal([]byte(itemsInput(3)), &items); err != nil || len(items.Items) != 3 ||
		items.Items[2].Order != 2 {
		t.Errorf("%+v %v", items, err)
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-scenario", "start,list", "-clients", "1,64", "-seconds", "0.5",
		"-big"}, t.Output())
	if err != nil || fmt.Sprint(o.scenarios, o.clients, o.length,
		o.executions) != "[start list] [1 64] 500ms 1000000" {
		t.Errorf("%+v %v", o, err)
	}
	for _, args := range []string{"-scenario none", "-clients 0", "-clients x", "-seconds 0",
		"-seconds NaN", "-waiting 0", "more",
		"-profile p -binary b", "-nonsense"} {
		if _, err := parse(strings.Fields(args), t.Output()); err == nil {
			t.Errorf("%s was taken", args)
		}
	}
}
