package rpc

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Refusals counts what a server refuses before it knows the caller, by reason, and logs the counts
// now and then: a line for each would be one more way to fill a disk. It is safe for many
// goroutines.
type Refusals struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[string]int64 // since the beginning
	fresh  map[string]int64 // since the last line
	logged time.Time
}

// The reasons.
const (
	refusedBytes  = "no memory for its bytes"
	refusedSlow   = "body too slow"
	refusedPlace  = "no place for a connection"
	refusedCut    = "cut off for a newcomer"
	refusedRelief = "cut off for the bytes of another"
	refusedHead   = "too many headers"
	refusedAnswer = "no memory for its answer"
)

// tallyPause is the shortest time between two lines.
const tallyPause = 10 * time.Second

// NewRefusals returns counts that begin at 0.
func NewRefusals(log *slog.Logger) *Refusals {
	return &Refusals{log: log, counts: map[string]int64{}, fresh: map[string]int64{}}
}

// add counts one refusal.
func (t *Refusals) add(why string) {
	t.mu.Lock()
	t.counts[why]++
	t.fresh[why]++
	var line []slog.Attr
	if now := time.Now(); now.Sub(t.logged) >= tallyPause {
		t.logged = now
		for _, why := range slices.Sorted(maps.Keys(t.fresh)) {
			line = append(line, slog.Int64(why, t.fresh[why]))
		}
		clear(t.fresh)
	}
	t.mu.Unlock()
	if line != nil {
		t.log.LogAttrs(context.Background(), slog.LevelWarn,
			"requests were refused before their callers were known", line...)
	}
}

// Counts returns how many were refused for each reason since the beginning.
func (t *Refusals) Counts() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
