package engine

import "sync"

// activityMinutes is how many minutes Activity covers.
const activityMinutes = 60

// Activity is what this process did for an account in a minute. It counts about right, not exactly:
// a start or an end whose commit had an unknown outcome may be left out.
type Activity struct {
	Minute int64 // minutes since 1970
	Starts int64 // executions that were started
	Ends   int64 // executions that ended, in any way
	Failed int64 // of those, the ones without success
	Late   int64 // ms: the latest that a row was looked at after its wake time
}

// activities counts by account and minute, in memory.
type activities struct {
	mu       sync.Mutex
	accounts map[string]*[activityMinutes]Activity
}

func newActivities() *activities {
	return &activities{accounts: map[string]*[activityMinutes]Activity{}}
}

// count changes the counts of an account in the minute of now, in ms since 1970.
func (a *activities) count(account string, now int64, change func(*Activity)) {
	minute := now / 60000
	a.mu.Lock()
	defer a.mu.Unlock()
	ring := a.accounts[account]
	if ring == nil {
		ring = &[activityMinutes]Activity{}
		a.accounts[account] = ring
	}
	at := &ring[minute%activityMinutes]
	if at.Minute != minute {
		*at = Activity{Minute: minute}
	}
	change(at)
}

// Activity returns what this process did for an account in the last hour, by minute, the oldest
// first. The last minute is the present one.
func (e *Engine) Activity(account string) []Activity {
	last := e.nowMillis() / 60000
	out := make([]Activity, activityMinutes)
	e.activities.mu.Lock()
	defer e.activities.mu.Unlock()
	ring := e.activities.accounts[account]
	for i := range out {
		minute := last - activityMinutes + 1 + int64(i)
		out[i].Minute = minute
		if ring != nil && minute >= 0 && ring[minute%activityMinutes].Minute == minute {
			out[i] = ring[minute%activityMinutes]
		}
	}
	return out
}
