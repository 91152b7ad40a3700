package local_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

const timedFlow = "Type: StateMachine\nSpecVersion: v1\nName: timed\nStartAt: A\n" +
	"States: [{Name: A, Type: Pass, End: true}]\n"

// soon returns an expression that plans one time in about two seconds, and that time.
func soon() (expression string, planned time.Time) {
	planned = time.Now().UTC().Add(2 * time.Second).Truncate(time.Second)
	return fmt.Sprintf("%d %d %d * * ?", planned.Second(), planned.Minute(), planned.Hour()),
		planned
}

// startedBy waits until the execution of a planned time has been started.
func startedBy(t *testing.T, c *client.Client, schedule string, planned time.Time) {
	t.Helper()
	name := fmt.Sprintf("%s-%d", schedule, planned.Unix())
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		x, err := c.DescribeExecution(t.Context(),
			cloudflow.DescribeExecutionRequest{FlowName: "timed", ExecutionName: name})
		if err == nil {
			if late := x.StartedTime.Time().Sub(planned); late < 0 {
				t.Errorf("%s was started %v too early", name, -late)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestScheduleMetrics: a schedule of an account starts its flow, and the metrics count that.
func TestScheduleMetrics(t *testing.T) {
	c, _, metrics := twoAccounts(t, local.Config{})
	if _, err := c.CreateFlow(t.Context(),
		cloudflow.CreateFlowRequest{Name: "timed", Definition: timedFlow}); err != nil {
		t.Fatal(err)
	}
	expression, planned := soon()
	if _, err := c.CreateSchedule(t.Context(), cloudflow.CreateScheduleRequest{FlowName: "timed",
		ScheduleName: "s", CronExpression: expression}); err != nil {
		t.Fatal(err)
	}
	startedBy(t, c, "s", planned)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		missing := ""
		for _, line := range []string{`{outcome="started"} 1`, `{outcome="skipped"} 0`,
			`{outcome="rejected"} 0`} {
			if line = "millrace_schedule_times_total" + line; !strings.Contains(string(text), line) {
				missing = line
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the metrics lack %s", missing)
		}
	}
}

// TestScheduleAfterRestart: a planned time that came while no server ran is started when one runs
// again. If the key that wrote the schedule is gone by then, it starts nothing.
func TestScheduleAfterRestart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials.yaml")
	open := func(keys string) (*client.Client, func()) {
		t.Helper()
		text := "accounts: [{id: '1', keys: [" + keys + "]}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := local.Open(context.Background(), local.Config{Data: filepath.Join(dir, "data"),
			Credentials: file, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(a.Handler())
		c, err := client.New(client.Options{Endpoint: s.URL, AccessKeyID: "owner",
			Secret: "a-secret-of-the-owner-0"})
		if err != nil {
			t.Fatal(err)
		}
		return c, func() {
			s.Close()
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	const owner = "{id: owner, secret: a-secret-of-the-owner-0}"
	const guest = ", {id: guest, secret: a-secret-of-the-guest-0}"
	c, stop := open(owner + guest)
	if _, err := c.CreateFlow(t.Context(),
		cloudflow.CreateFlowRequest{Name: "timed", Definition: timedFlow}); err != nil {
		t.Fatal(err)
	}
	asGuest, err := client.New(client.Options{Endpoint: c.Endpoint, AccessKeyID: "guest",
		Secret: "a-secret-of-the-guest-0"})
	if err != nil {
		t.Fatal(err)
	}
	expression, planned := soon()
	for name, by := range map[string]*client.Client{"mine": c, "theirs": asGuest} {
		if _, err := by.CreateSchedule(t.Context(), cloudflow.CreateScheduleRequest{
			FlowName: "timed", ScheduleName: name, CronExpression: expression}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	time.Sleep(time.Until(planned) + 100*time.Millisecond)
	c, stop = open(owner) // the guest's key is gone
	defer stop()
	startedBy(t, c, "mine", planned)
	time.Sleep(200 * time.Millisecond)
	_, err = c.DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{FlowName: "timed",
		ExecutionName: fmt.Sprintf("theirs-%d", planned.Unix())})
	if fault.CodeOf(err) != fault.ExecutionNotExists {
		t.Errorf("a key that is gone has started an execution: %v", err)
	}
}
