package driver

import "sync/atomic"

// DefaultShards is the number of shards that the wake index of a new deployment has. One shard
// alone would take all index writes of a busy deployment.
const DefaultShards = 16

// WakeShards is the number of shards of a driver's wake index. Its zero value is DefaultShards. It
// is safe for concurrent use.
type WakeShards struct{ raised atomic.Int32 }

// Shards returns the number of shards.
func (w *WakeShards) Shards() int { return max(int(w.raised.Load()), DefaultShards) }

// SetShards raises the number of shards to n. A smaller number changes nothing.
func (w *WakeShards) SetShards(n int) {
	for {
		now := w.raised.Load()
		if n <= int(now) || w.raised.CompareAndSwap(now, int32(n)) {
			return
		}
	}
}
