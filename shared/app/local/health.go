package local

import (
	"cmp"
	"sync"
	"time"

	"millrace/shared/console"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
)

// health is what the console shows of the server itself.
type health struct {
	free func() (bytes int64, ok bool) // of the disk, above the floor

	mu         sync.Mutex
	lastSweep  time.Time
	sweepError error
}

// swept notes the end of a sweep.
func (h *health) swept(at time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastSweep, h.sweepError = at, err
}

// healthFor returns what a reader of the console may see of the server: its own account's activity,
// and the rest only if no other account shares the server. A key that policies bound sees nothing:
// they name flows, and these figures are those of all flows. key is nil on an open server.
func (a *App) healthFor(credentials *auth.Credentials, key *auth.Key) *console.Health {
	account := cmp.Or(a.config.Settings.Account, server.DefaultAccount)
	if key != nil {
		if len(key.Policies) > 0 {
			return nil
		}
		account = key.Account
	}
	out := &console.Health{}
	for _, m := range a.engine.Activity(account) {
		out.Starts = append(out.Starts, m.Starts)
		out.Succeeded = append(out.Succeeded, m.Ends-m.Failed)
		out.Failed = append(out.Failed, m.Failed)
		out.Late = append(out.Late, m.Late)
	}
	if a.onlyAccount(credentials) == "" {
		return out
	}
	out.Whole, out.Queue = true, a.queue.Len()
	out.Free, out.HasFree = a.health.free()
	a.health.mu.Lock()
	defer a.health.mu.Unlock()
	out.LastSweep = a.health.lastSweep
	if a.health.sweepError != nil {
		out.SweepError = a.health.sweepError.Error()
	}
	return out
}
