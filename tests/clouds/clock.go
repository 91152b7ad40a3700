package clouds

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/store"
)

// Clock is the clock of executions in functions that are compiled for it: the machine's, moved ahead. Functions that
// are deployed have no such clock, whatever their environment says.
type Clock struct {
	path string
	mu   sync.Mutex
	by   time.Duration
}

// NewClock gives a clock that is not ahead yet.
func NewClock(t testing.TB) *Clock {
	c := &Clock{path: filepath.Join(t.TempDir(), "clock")}
	if err := c.Move(0); err != nil {
		t.Fatal(err)
	}
	return c
}

// Variable tells a function where the clock is.
func (c *Clock) Variable() string { return "TEST_CLOCK_FILE=" + c.path }

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

// Move moves the clock ahead.
func (c *Clock) Move(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set(c.by + by)
}

// Set sets how far the clock is ahead of the machine's.
func (c *Clock) Set(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set(by)
}

// set is Set. The caller holds mu. A function reads the file whole, before or after.
func (c *Clock) set(by time.Duration) error {
	c.by = by
	next := c.path + ".next"
	if err := os.WriteFile(next, strconv.AppendInt(nil, by.Milliseconds(), 10), 0o600); err != nil {
		return err
	}
	return os.Rename(next, c.path)
}

// MoveTo moves the clock to a time, unless it is past that already.
func (c *Clock) MoveTo(t time.Time) error {
	if by := t.Sub(c.Now()); by > 0 {
		return c.Move(by)
	}
	return nil
}

// skipMax is how far time is skipped at most. What lies further ahead are the ends of what is kept of executions that have
// ended, where the store does not see to that.
const skipMax = 60 * 24 * time.Hour

// quietLooks is in how many looks in a row nothing must go on until time is skipped.
const quietLooks = 3

// Skip moves the clock to the next wake time of an execution, unless that is months ahead, and sweeps, whenever nothing goes on but waiting, until ctx
// ends. It looks into the store past all faults.
func (c *Clock) Skip(ctx context.Context, idle func() bool, rows store.Driver, sweep func()) error {
	for quiet := 0; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if !idle() {
			quiet = 0
			continue
		}
		if quiet++; quiet < quietLooks {
			continue
		}
		quiet = 0
		wake, ok, err := NextWake(ctx, rows)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !ok, wake.After(c.Now().Add(skipMax)):
			continue
		}
		if err := c.MoveTo(wake.Add(time.Millisecond)); err != nil {
			return err
		}
		sweep()
	}
	return nil
}

// NextWake is the earliest wake time of an execution, in a store.
func NextWake(ctx context.Context, rows store.Driver) (first time.Time, ok bool, err error) {
	const never = 1 << 52 // ms since 1970
	for shard := range rows.Shards() {
		for cursor := ""; ; {
			due, next, err := rows.Due(ctx, shard, never, cursor, 8)
			if err != nil {
				return first, false, err
			}
			at := firstExecution(due)
			if at > 0 && (!ok || time.UnixMilli(at).Before(first)) {
				first, ok = time.UnixMilli(at), true
			}
			if cursor = next; cursor == "" || at > 0 {
				break
			}
		}
	}
	return first, ok, nil
}

// firstExecution is the wake time of the first row of an execution; 0 without. Others only wait for their end.
func firstExecution(due []store.DueRow) int64 {
	for _, d := range due {
		if strings.HasPrefix(d.Key.Partition, "x#") {
			return d.Wake
		}
	}
	return 0
}
