package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// Ranks order what happens at the same moment: causes come first.
const (
	rankWrite    = iota
	rankFault    // of a write
	rankHint     // sent after a commit
	rankCall     // made after a commit
	rankResponse // to who asked
)

// scriptLine is something that happened. It may have several lines of text.
type scriptLine struct {
	time  time.Time
	rank  int
	text  string
	asked bool // a command asked for it: it is true now, but happened at any time
}

// record notes that something has happened now.
func (s *script) record(rank int, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines,
		scriptLine{time: time.Now(), rank: rank, text: fmt.Sprintf(format, args...)})
}

// list prints lines that a command asked for.
func (s *script) list(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, line := range lines {
		s.lines = append(s.lines, scriptLine{time: time.Now(), rank: i, text: line, asked: true})
	}
}

// printed returns what has happened since the last call, in order.
func (s *script) printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.lines, func(a, b scriptLine) int {
		if c := a.time.Compare(b.time); c != 0 {
			return c
		}
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.text, b.text)
	})
	var b strings.Builder
	for _, l := range s.lines {
		if !l.asked {
			b.WriteString(s.at(l.time.UnixMilli()) + " ")
		}
		b.WriteString(l.text + "\n")
	}
	s.lines = nil
	if b.Len() == 0 {
		return "ok\n"
	}
	return b.String()
}

// at returns a time of the script, as the time since its start.
func (s *script) at(millis int64) string {
	return duration(time.Duration(millis-s.began.UnixMilli()) * time.Millisecond)
}

// duration returns a duration without zeros at its end.
func duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// executionOf returns the name of the execution of a partition.
func executionOf(partition string) string {
	_, name, _ := store.ParsePartition(partition)
	return name
}

// rowOf names a row, without the random numbers in its key.
func rowOf(key driver.Key) string {
	if _, name, ok := store.ParsePartition(key.Partition); ok {
		return name + " " + maskSort(key.Sort)
	}
	return key.Partition + " " + key.Sort
}

// maskSort replaces the random numbers in a sort key: run, and token of a value.
func maskSort(sort string) string {
	parts := strings.Split(sort, "#")
	for i, p := range parts {
		if i > 0 && len(p) == 16 {
			parts[i] = "…"
		} else if i > 0 {
			parts[i] = strings.TrimLeft(p, "0")
		}
	}
	return strings.Join(parts, "#")
}

// seen is what was printed of a state row, so that a commit prints only what it changes.
type seen struct {
	lastEvent int64
	leases    []string
	outbox    string
	counts    string
	wake      int64
}

// printCommit prints what a commit has written.
func (s *script) printCommit(n *scriptNode, puts []driver.Row, key driver.Key) {
	if key.Sort != "a" {
		s.record(rankWrite, "%s writes %s", n.name, rowOf(key))
		return
	}
	x, err := s.w.store.Load(context.Background(), key.Partition)
	if err != nil {
		s.t.Errorf("%s: %v", key.Partition, err)
		return
	}
	last := s.seen[key.Partition]
	if x.Version == 1 {
		last = seen{}
	}
	now := seen{lastEvent: x.LastEvent, leases: s.leases(x), outbox: s.outbox(x),
		counts: counts(x.SweepAttempts, x.EngineAttempts), wake: x.Wake}
	if last.counts == "" {
		last.counts = counts(0, 0)
	}
	lines := []string{fmt.Sprintf("%s commits %s, version %d", n.name, x.Name, x.Version)}
	for _, row := range puts {
		lines = append(lines, "with "+maskSort(row.Sort))
	}
	lines = append(lines, s.events(x, last.lastEvent+1)...)
	for _, line := range now.leases {
		if !slices.Contains(last.leases, line) {
			lines = append(lines, line)
		}
	}
	if now.outbox != last.outbox {
		lines = append(lines, "outbox:"+orNothing(now.outbox))
	}
	if now.counts != last.counts {
		lines = append(lines, now.counts)
	}
	if now.wake != last.wake {
		lines = append(lines, "wakes at "+s.at(x.Wake))
	}
	s.seen[key.Partition] = now
	s.record(rankWrite, "%s", strings.Join(lines, "\n    "))
}

// counts returns what a row counts to find a poison execution.
func counts(found, engines int) string {
	return fmt.Sprintf("found %d, engines %d", found, engines)
}

func orNothing(text string) string {
	if text == "" {
		return " nothing"
	}
	return text
}

// events returns a line for each event from an id on.
func (s *script) events(x *store.Execution, from int64) []string {
	ctx := context.Background()
	events, err := s.w.store.Events(ctx, x, from, int(x.LastEvent))
	if err == nil {
		err = s.w.store.LoadEvents(ctx, x, events)
	}
	if err != nil {
		s.t.Errorf("history of %s: %v", x.Name, err)
	}
	machine := s.machines[x.FlowID]
	var lines []string
	for _, e := range events {
		line := fmt.Sprintf("%d %v", e.ID, e.Type)
		if name := e.StepName(machine); name != "" {
			line += " " + name
		}
		switch {
		case e.Error != nil:
			line += " " + e.Error.Name
			if e.Error.Cause != "" {
				line += ": " + e.Error.Cause
			}
		case e.Output != nil:
			line += " " + shortValue(e.Output)
		}
		lines = append(lines, line)
	}
	return lines
}

// shortValue returns a value, cut after some characters.
func shortValue(v *flow.Value) string {
	text := string(v.Text())
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return text
}

// state decodes the body of an execution.
func (s *script) state(x *store.Execution) *interp.State {
	state := interp.New(interp.Facts{Account: x.Account, Region: x.Region, FlowID: x.FlowID,
		Flow: x.Flow, Name: x.Name, Run: x.Run, Seed: x.Seed, Dialect: x.Dialect,
		Started: x.Started, Deadline: x.Deadline, CallbackToken: x.Callback,
		Input: flow.StoredValue(flow.Ref{Kind: flow.RefClaim})})
	state.Status = x.Status
	if x.Body != nil {
		if err := state.DecodeBody(x.Body); err != nil {
			s.t.Errorf("body of %s: %v", x.Name, err)
		}
	}
	return state
}

// leases returns a line for each leased attempt.
func (s *script) leases(x *store.Execution) []string {
	if x.Status.Final() {
		return nil
	}
	var lines []string
	for _, l := range s.state(x).Leases() {
		lines = append(lines, fmt.Sprintf("attempt %d is leased by %s until %s", l.Attempt,
			s.owner(l.Owner), s.at(l.Until)))
	}
	return lines
}

// outbox returns what an execution has to deliver.
func (s *script) outbox(x *store.Execution) string {
	text := ""
	for _, o := range s.state(x).Outbox {
		switch o.Kind {
		case interp.OutboxCallback:
			text += " report of the end"
		case interp.OutboxStopChild:
			text += " stop of " + o.Name
		}
		if o.Tries > 0 {
			text += fmt.Sprintf(" (tried %d times, next at %s)", o.Tries, s.at(o.Next))
		}
	}
	return text
}

// trimError returns the text of an error.
func trimError(err error) string {
	if errors.Is(err, store.ErrConflict) {
		return "conflict"
	}
	return strings.TrimPrefix(err.Error(), "engine: ")
}
