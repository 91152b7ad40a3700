package store

import (
	"context"
	"errors"
	"math"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// deployment is the row of what holds for the whole store.
type deployment struct {
	wakeShards int // shards of the wake index; it never falls, because rows stay in their shards

	version int64  // 0: there is no row
	unknown []byte // fields that only a newer program knows
}

// WakeShardsMax is the maximum of Options.WakeShards.
const WakeShardsMax = 1024

// deploymentFmt is the format of the deployment row that this code writes. See executionFmt for
// what to do when it changes.
const deploymentFmt = 1

// deploymentTries is how often a process tries to write the deployment row if others write it.
const deploymentTries = 3

// deploymentFence is the fence of the deployment row, which has one life.
const deploymentFence = "deployment"

// Fields of the deployment row.
const deploymentWakeShards = 1

func (d *deployment) row() driver.Row {
	w := flow.FieldWriter{}
	start := w.BeginRow(deploymentFmt)
	w.Uint(deploymentWakeShards, uint64(d.wakeShards))
	w.Unknown(d.unknown)
	w.End(start)
	return driver.Row{Key: deploymentKey(), Version: d.version, Fence: deploymentFence, Data: w.Buf}
}

func decodeDeployment(row driver.Row) (d deployment, err error) {
	format, r := flow.ReadRow(row.Data)
	if format != deploymentFmt {
		return d, ErrFormat
	}
	d.version = row.Version
	for r.Next() {
		switch r.Field {
		case deploymentWakeShards:
			d.wakeShards = int(r.Small(WakeShardsMax))
		default:
			r.Keep(&d.unknown)
		}
	}
	if r.Err != nil || d.wakeShards == 0 {
		return d, damagedRow("deployment", row.Key, flow.ErrCorrupt)
	}
	return d, nil
}

// WakeShards reads the number of shards of the wake index, strongly consistent, and makes the
// driver use it. If Options.WakeShards is higher, it raises the number first. A sweep calls it at
// its beginning and reads all shards: a process that knows only a smaller number writes to the
// first of them.
func (s *Store) WakeShards(ctx context.Context) (int, error) {
	if s.driver.Shards() == 1 {
		return 1, nil
	}
	return s.updateWakeShards(ctx, true)
}

// updateWakeShards is WakeShards for an index with shards. If there is no row, it writes one only
// if create is set or the number is raised. If it cannot write, the number is the stored one: no
// process uses a higher one before it is stored.
func (s *Store) updateWakeShards(ctx context.Context, create bool) (int, error) {
	d, err := s.readDeployment(ctx)
	for range deploymentTries {
		if err != nil || d.wakeShards >= s.wakeShards && (d.version > 0 || !create) {
			break
		}
		raised := d
		raised.wakeShards = max(d.wakeShards, s.wakeShards)
		failed := s.writeDeployment(ctx, &raised)
		if failed == nil {
			d = raised
		}
		if !errors.Is(failed, ErrConflict) {
			break
		}
		d, err = s.readDeployment(ctx) // another process has written it
	}
	if err != nil {
		return 0, err
	}
	s.driver.SetShards(d.wakeShards)
	return s.driver.Shards(), nil // more, if this program's drivers begin with more
}

// readDeployment reads the deployment row. Without one, the wake index has the number of shards
// with which the driver begins.
func (s *Store) readDeployment(ctx context.Context) (deployment, error) {
	row, err := s.driver.Get(ctx, deploymentKey())
	if errors.Is(err, ErrNotFound) {
		return deployment{wakeShards: s.driver.Shards()}, nil
	}
	if err != nil {
		return deployment{}, err
	}
	return decodeDeployment(row)
}

func (s *Store) writeDeployment(ctx context.Context, d *deployment) error {
	cond := driver.Condition{Version: d.version, Fence: deploymentFence}
	if d.version == 0 {
		cond = driver.Condition{Absent: true, Now: s.nowMillis()}
	}
	d.version++
	return s.driver.Commit(ctx, nil, d.row(), cond)
}

// learnPause is the time between two attempts to read the number of shards.
const learnPause = time.Minute

// learnWakeShards makes the driver use the stored number of shards, once in a process. Without it,
// rows go to the first shards, which every sweep reads. So while another goroutine reads the
// number, or for a while after a failed attempt, commits do not wait for it.
func (s *Store) learnWakeShards(ctx context.Context) {
	if s.nowMillis() < s.learnAt.Load() || !s.learning.TryLock() {
		return
	}
	defer s.learning.Unlock()
	if _, err := s.updateWakeShards(ctx, false); err == nil {
		s.learnAt.Store(math.MaxInt64)
	} else {
		s.learnAt.Store(s.nowMillis() + learnPause.Milliseconds())
	}
}
