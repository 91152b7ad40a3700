package console

import (
	"html/template"
	"time"

	"millrace/shared/chart"
)

// Health is what the first page shows of the server itself. Nothing of it is counted because a page
// is open.
type Health struct {
	// Executions of the reader's account by minute, over the last hour, the oldest first.
	Starts, Succeeded, Failed []int64
	Late                      []int64 // ms: the latest that something was done after its time

	Whole      bool // the fields below are set: the server has no other account
	Queue      int  // hints that wait
	Free       int64
	HasFree    bool // Free is known: the bytes that may still be written
	LastSweep  time.Time
	SweepError string // of the last sweep; "" if it went well
}

// sweepLate is how long after a sweep the next one is missed.
const sweepLate = 3 * time.Minute

// healthShown is Health as the page shows it.
type healthShown struct {
	*Health
	Activity, Lateness template.HTML
	Started, Failures  int64
	Latest             time.Duration
	SweepMissed        bool
}

// health returns what the page shows of the server; nil if there is nothing that its reader may see.
func (pr *pageRequest) health() *healthShown {
	if pr.console.Health == nil {
		return nil
	}
	h := pr.console.Health(pr.key)
	if h == nil {
		return nil
	}
	shown := &healthShown{Health: h, Started: sum(h.Starts), Failures: sum(h.Failed)}
	for _, ms := range h.Late {
		shown.Latest = max(shown.Latest, time.Duration(ms)*time.Millisecond)
	}
	p := pr.page
	hour, now := p.T("an hour ago"), p.T("now")
	shown.Activity = template.HTML(chart.Columns(p.T("activity"), hour, now,
		chart.Series{Name: p.T("chart started"), Class: "running", Values: h.Starts},
		chart.Series{Name: p.T("chart succeeded"), Class: "succeeded", Values: h.Succeeded},
		chart.Series{Name: p.T("chart failed"), Class: "failed", Values: h.Failed}))
	shown.Lateness = template.HTML(chart.Columns(p.T("lateness"), hour, now,
		chart.Series{Name: p.T("lateness"), Class: "aborted", Values: h.Late}))
	shown.SweepMissed = !h.LastSweep.IsZero() && pr.console.Now().Sub(h.LastSweep) > sweepLate
	return shown
}

// Bytes returns the free bytes in words.
func (h *healthShown) Bytes() string { return size(h.Free) }

// LatestWords returns the greatest lateness in words.
func (h *healthShown) LatestWords() string { return roughly(h.Latest) }

func sum(values []int64) (total int64) {
	for _, v := range values {
		total += v
	}
	return total
}
