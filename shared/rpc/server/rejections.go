package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Rejections counts, by reason, what a server rejects before the caller is known. It logs the
// counts from time to time: a line for each rejection would be one more way to fill the disk. It is
// safe for concurrent use.
type Rejections struct {
	log *slog.Logger

	mu       sync.Mutex
	counts   map[string]int64 // since the start
	unlogged map[string]int64 // since the last log line
	logged   time.Time
}

// The reasons. They are log keys, and values of the label "reason" in metrics.
const (
	rejectedBytes      = "no memory for its bytes"
	rejectedSlow       = "body too slow"
	rejectedConnection = "no place for a connection"
	evictedIdle        = "cut off for a newcomer"
	evictedHolder      = "cut off for the bytes of another"
	rejectedHead       = "too many headers"
	rejectedResponse   = "no memory for its answer"
)

// logInterval is the shortest time between two log lines.
const logInterval = 10 * time.Second

// NewRejections returns counters that start at 0.
func NewRejections(log *slog.Logger) *Rejections {
	return &Rejections{log: log, counts: map[string]int64{}, unlogged: map[string]int64{}}
}

// add counts one rejection.
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
			"requests were rejected before their callers were known", line...)
	}
}

// Counts returns the number of rejections by reason since the start.
func (t *Rejections) Counts() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
