// Package tally counts the results of runs of the simulation.
package tally

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tally holds the counts of some runs.
type Tally struct {
	Runs, Executions, Commits, InboxEntries, Accepted, Judged, Undecided, Steps, Failures int

	Next   uint64         // every seed of the share before this one has been run
	Faults map[string]int // number of faults, by kind
	Kinds  map[string]int // executions, by feature
	Checks map[string]int // checks of each invariant where it could be violated
}

// Every is the interval at which a process writes its tally.
const Every = 5 * time.Second

// prefix begins a line that holds a tally.
const prefix = "tally "

// Line encodes a tally for another process.
func (t *Tally) Line() string {
	text, _ := json.Marshal(t)
	return prefix + string(text)
}

// Parse decodes a line of Line; it returns false for any other line.
func Parse(line string) (t Tally, ok bool) {
	text, ok := strings.CutPrefix(line, prefix)
	return t, ok && json.Unmarshal([]byte(text), &t) == nil
}

// Add adds other runs. It keeps Next, which belongs to a share.
func (t *Tally) Add(o Tally) {
	t.Runs += o.Runs
	t.Executions += o.Executions
	t.Commits += o.Commits
	t.InboxEntries += o.InboxEntries
	t.Accepted += o.Accepted
	t.Judged += o.Judged
	t.Undecided += o.Undecided
	t.Steps += o.Steps
	t.Failures += o.Failures
	t.Faults, t.Kinds, t.Checks = merge(t.Faults, o.Faults), merge(t.Kinds, o.Kinds),
		merge(t.Checks, o.Checks)
}

func merge(to, from map[string]int) map[string]int {
	if to == nil {
		to = map[string]int{}
	}
	for k, n := range from {
		to[k] += n
	}
	return to
}

// String returns one line.
func (t Tally) String() string {
	return fmt.Sprintf(
		"%d runs, %d executions, %d commits, %d inbox entries, %d of them accepted, %d orders of "+
			"requests judged and %d undecided, %d steps, %d faults, %d failures",
		t.Runs, t.Executions, t.Commits, t.InboxEntries, t.Accepted, t.Judged, t.Undecided, t.Steps,
		sum(t.Faults), t.Failures)
}

func sum(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// Summary returns a page of Markdown.
func (t Tally) Summary(first uint64, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Seeds %d to %d in %s, %.0f executions a second: %s.\n", first,
		max(t.Next, first+1)-1, took.Round(time.Second), float64(t.Executions)/took.Seconds(), t)
	table(&b, "fault", "times", t.Faults)
	table(&b, "feature", "executions", t.Kinds)
	table(&b, "invariant", "checks", t.Checks)
	return b.String()
}

func table(b *strings.Builder, what, how string, m map[string]int) {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		if m[x] != m[y] {
			return m[y] - m[x]
		}
		return strings.Compare(x, y)
	})
	fmt.Fprintf(b, "\n| %s | %s |\n| --- | ---: |\n", what, how)
	for _, name := range names {
		fmt.Fprintf(b, "| %s | %d |\n", name, m[name])
	}
}
