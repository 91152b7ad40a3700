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

	"millrace/shared/store/driver"
)

// Clock is the clock of executions in functions that are compiled for it: the machine's clock,
// moved ahead. Deployed functions have no such clock, whatever their environment says.
type Clock struct {
	path string
	mu   sync.Mutex
	by   time.Duration
}

// NewClock returns a clock that is not ahead yet.
func NewClock(t testing.TB) *Clock {
	c := &Clock{path: filepath.Join(t.TempDir(), "clock")}
	if err := c.Move(0); err != nil {
		t.Fatal(err)
	}
	return c
}

// Variable returns the environment variable that tells a function where the clock is.
func (c *Clock) Variable() string { return "TEST_CLOCK_FILE=" + c.path }

// Now returns the time by this clock.
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

// set is Set. The caller holds mu. A function reads the file as a whole, before or after the
// change.
func (c *Clock) set(by time.Duration) error {
	c.by = by
	next := c.path + ".next"
	if err := os.WriteFile(next, strconv.AppendInt(nil, by.Milliseconds(), 10), 0o600); err != nil {
		return err
	}
	return os.Rename(next, c.path)
}

// MoveTo moves the clock to a time, if that is in the future.
func (c *Clock) MoveTo(t time.Time) error {
	if by := t.Sub(c.Now()); by > 0 {
		return c.Move(by)
	}
	return nil
}

// skipMax is the longest time to skip. Later wake times are those at which ended executions expire,
// in a store that does not expire rows by itself.
const skipMax = 60 * 24 * time.Hour

// quietLooks is the number of successive looks at which nothing must be active before time is
// skipped.
const quietLooks = 3

// Skip moves the clock to the next wake time of an execution, unless that is months ahead, and
// sweeps, whenever nothing is active. It ends with ctx. It reads the store without injected faults.
func (c *Clock) Skip(
	ctx context.Context, idle func() bool, rows driver.Driver, sweep func(),
) error {
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

// NextWake returns the earliest wake time of an execution in a store.
func NextWake(ctx context.Context, rows driver.Driver) (first time.Time, ok bool, err error) {
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

// firstExecution returns the wake time of the first row of an execution; 0 if there is none. Other
// rows only wait for their expiry.
func firstExecution(due []driver.DueRow) int64 {
	for _, d := range due {
		if strings.HasPrefix(d.Key.Partition, "x#") {
			return d.Wake
		}
	}
	return 0
}
