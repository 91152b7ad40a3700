package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"millrace/tests/sim/cover"
	"millrace/tests/sim/tally"
)

// board collects what all processes have reported so far.
type board struct {
	first uint64
	begun time.Time

	mu      sync.Mutex
	shares  []tally.Tally // the last one of each process
	failed  bool
	reached []cover.Run // what each run has reached, if seeds are to be chosen
}

// tellEvery is how often the command prints its progress when there are many runs.
const tellEvery = 30 * time.Second

func newBoard(first uint64, n int) *board {
	b := &board{first: first, begun: time.Now(), shares: make([]tally.Tally, n)}
	for i := range b.shares {
		b.shares[i].Next = first
	}
	return b
}

// many reports whether there is more than one run.
func (b *board) many() bool { return *runs > 1 || *going > 0 }

func (b *board) heard(i int, t tally.Tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares[i] = t
}

func (b *board) reach(r cover.Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reached = append(b.reached, r)
}

func (b *board) show(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Println(text)
}

func (b *board) ended(failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = b.failed || failed
}

// all adds up what the processes have reported. Every seed before Next has been run.
func (b *board) all() tally.Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all tally.Tally
	for i, t := range b.shares {
		all.Add(t)
		if i == 0 || t.Next < all.Next {
			all.Next = t.Next
		}
	}
	return all
}

// tell prints the progress every tellEvery.
func (b *board) tell(stop <-chan struct{}) {
	if !b.many() {
		return
	}
	t := time.NewTicker(tellEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			all, took := b.all(), time.Since(b.begun)
			b.show(fmt.Sprintf("%s: %s, %.0f executions a second; to go on: -seed %d",
				took.Round(time.Second), all, float64(all.Executions)/took.Seconds(), all.Next))
		}
	}
}

// end writes the summary.
func (b *board) end(page string) error {
	if !b.many() {
		return nil
	}
	text := b.all().Summary(b.first, time.Since(b.begun))
	fmt.Printf("\n%s", text)
	if page == "" {
		return nil
	}
	return os.WriteFile(page, []byte(text), 0o644)
}
