package fc_test

import (
	"fmt"
	"testing"
	"time"

	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/fc"
)

// tick returns the event of a timer trigger.
func tick(name string, at time.Time, payload string) string {
	return fmt.Sprintf(`{"triggerTime":%q,"triggerName":%q,"payload":%q}`,
		at.UTC().Format(time.RFC3339), name, payload)
}

// TestTimerStarts checks that ticks of a timer start one execution each, although they come twice
// and the starter dies while it handles them.
func TestTimerStarts(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r,
			Env: []string{"MILLRACE_STARTS=[{timer: nightly, flow: ticked, account: '" +
				fc.Account + "'}, " +
				"{timer: nothing, flow: missing, account: '" + fc.Account + "'}]"}})
		s.Define("ticked",
			"- {Name: A, Type: Pass, OutputConstructor: {payload.$: $Input.payload, time.$: "+
				"$Input.time, origin.$: $Input.origin}, End: true}\n")
		first := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
		for range 3 {
			s.Event(tick("nightly", first, `{"report": "all"}`))
			s.Event(tick("nightly", first.Add(24*time.Hour), "plain text"))
			s.Event(tick("hourly", first, "")) // no rule matches it
		}
		s.Starter.Kill() // at any point of its work; the platform invokes it again
		s.Event(tick("nothing", first, ""))
		s.Event(`{"triggerName":"nightly"}`)
		dead := func() []string {
			_, events := s.DeadLetters()
			return events
		}
		soon(t, func() string {
			return fmt.Sprintf("started %v, dead letters %q", executions(t, s, "ticked"), dead())
		}, func() bool {
			return len(executions(t, s, "ticked")) >= 2 && len(dead()) >= 2 && s.Starter.Idle()
		})
		want := map[string]bool{
			`{"origin":"nightly","payload":{"report":"all"},"time":"2026-01-31T02:00:00Z"}`: true,
			`{"origin":"nightly","payload":"plain text","time":"2026-02-01T02:00:00Z"}`:     true}
		for _, name := range executions(t, s, "ticked") {
			if x := s.Wait("ticked", name); x.Status != "Succeeded" || !want[x.Output] {
				t.Errorf("%s: %s %s", name, x.Status, x.Output)
			} else {
				delete(want, x.Output)
			}
		}
		if len(want) > 0 || len(dead()) != 2 {
			t.Errorf("not started: %v; dead letters %q", want, dead())
		}
	})
}
