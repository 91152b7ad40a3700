package rpc

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Rejections counts what a server refuses before it knows the caller, by reason, and logs the counts
// now and then: a line for each would be one more way to fill a disk. It is safe for many
// goroutines.
type Rejections struct {
	log *slog.Logger

	mu       sync.Mutex
	counts   map[string]int64 // since the beginning
	unlogged map[string]int64 // since the last line
	logged   time.Time
}

// The reasons.
const (
	rejectedBytes      = "no memory for its bytes"
	rejectedSlow       = "body too slow"
	rejectedConnection = "no place for a connection"
	evictedIdle        = "cut off for a newcomer"
	evictedHolder      = "cut off for the bytes of another"
	rejectedHead       = "too many headers"
	rejectedResponse   = "no memory for its answer"
)

// logInterval is the shortest time between two lines.
const logInterval = 10 * time.Second

// NewRejections returns counts that begin at 0.
func NewRejections(log *slog.Logger) *Rejections {
	return &Rejections{log: log, counts: map[string]int64{}, unlogged: map[string]int64{}}
}

// add counts one refusal.
func (t *Rejections) add(why string) {
	t.mu.Lock()
	t.counts[why]++
	t.unlogged[why]++
	var line []slog.Attr
	if now := time.Now(); now.Sub(t.logged) >= logInterval {
		t.logged = now
		for _, why := range slices.Sorted(maps.Keys(t.unlogged)) {
			line = append(line, slog.Int64(why, t.unlogged[why]))
		}
		clear(t.unlogged)
	}
	t.mu.Unlock()
	if line != nil {
		t.log.LogAttrs(context.Background(), slog.LevelWarn,
			"requests were refused before their callers were known", line...)
	}
}

// Counts returns how many were refused for each reason since the beginning.
func (t *Rejections) Counts() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
