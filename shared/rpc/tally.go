package rpc

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// tally counts what is refused before its caller is known, and logs the counts now and then: a line for each would be one
// more way to fill a disk.
type tally struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[string]int64
	logged time.Time
}

// tallyPause is the shortest time between two lines.
const tallyPause = 10 * time.Second

func newTally(log *slog.Logger) *tally { return &tally{log: log, counts: map[string]int64{}} }

// add counts one refusal.
func (t *tally) add(why string) {
	t.mu.Lock()
	t.counts[why]++
	var line []slog.Attr
	if now := time.Now(); now.Sub(t.logged) >= tallyPause {
		t.logged = now
		for _, why := range slices.Sorted(maps.Keys(t.counts)) {
			line = append(line, slog.Int64(why, t.counts[why]))
		}
		clear(t.counts)
	}
	t.mu.Unlock()
	if line != nil {
		t.log.LogAttrs(context.Background(), slog.LevelWarn, "requests were refused before their callers were known", line...)
	}
}
