package report_test

import (
	"strings"
	"testing"
	"time"

	"millrace/tests/bench/report"
)

func TestWrite(t *testing.T) {
	one := report.Figure{Scenario: "one-task", Clients: 64, Unit: "executions", Ours: 4500,
		Ceiling: 8000, Apart: 6000,
		P50: 12 * time.Millisecond, P99: 1500 * time.Millisecond, ServerCPU: 250 * time.Microsecond,
		Resident: 91e6}
	one.Floors = []report.Floor{one.HalfOf()}
	low := report.Figure{Scenario: "low-load", Unit: "executions", Ours: 99.5,
		P50: 4 * time.Millisecond}
	low.Floors = []report.Floor{low.AtLeast(1234567),
		report.Within(time.Millisecond, 3*time.Millisecond), report.Under(400e6, 400)}
	low.Add("events", "%d", 7)
	r := report.Report{Machine: "2 CPUs", Sync: 160 * time.Microsecond,
		Append: 350 * time.Microsecond, Figures: []report.Figure{one, low}}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `2 CPUs; sync of a small record: 160 µs, at the end of a growing file 350 µs

scenario  clients  ours/s  ceiling/s  ratio  ceiling 2/s  ratio 2      p50     p99  CPU ours  ceiling  clients    RSS   ok
one-task       64   4,500      8,000   0.56        6,000     0.75    12 ms  1.50 s    250 µs                    91 MB  yes
low-load             99.5                                          4.00 ms                                              NO

ceiling: the same exchanges and nothing else; ceiling 2: with start and end asked for in two exchanges.
CPU: of the server, the ceiling's server, and clients with task server, for each one counted.

one-task, 64 clients
  yes floor ≥ 0.50 of the ceiling: 0.56

low-load
  NO  floor ≥ 1,234,567 executions/s: 99.5
  yes floor ≤ 3.00 ms: 1.00 ms
  NO  floor < 400 MB: 400 MB
      events: 7
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
