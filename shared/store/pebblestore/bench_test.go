//go:build unix

package pebblestore_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

var callers = []int{1, 16, 64, 256}

// eachCaller lets n callers share b.N pieces of work and reports commits per second.
func eachCaller(b *testing.B, n, commitsEach int, work func(i int64)) {
	var next atomic.Int64
	var done sync.WaitGroup
	b.ResetTimer()
	before := cpuTime(b)
	for range n {
		done.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				work(i)
			}
		})
	}
	done.Wait()
	b.ReportMetric(float64(b.N*commitsEach)/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N*commitsEach),
		"cpu-µs/commit")
}

// cpuTime returns the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func partition(i int64) string { return fmt.Sprintf("x#0123456789abcdef#execution-%010d", i) }

func list(status byte, i int64) *driver.ListEntry {
	return &driver.ListEntry{Group: "0123456789abcdef#0",
		Sort:   fmt.Sprintf("%013d#execution-%010d", 1_700_000_000_000+i, i),
		Fields: []byte{status, 1, 2, 3, 4, 5, 6, 7}}
}

// BenchmarkClaim creates state rows of 0.5 KB, each synced.
func BenchmarkClaim(b *testing.B) {
	data := make([]byte, 500)
	for _, n := range callers {
		b.Run(fmt.Sprint("callers=", n), func(b *testing.B) {
			s := open(b, pebblestore.Options{Dir: b.TempDir()})
			b.ReportAllocs()
			eachCaller(b, n, 1, func(i int64) {
				row := driver.Row{Key: driver.Key{Partition: partition(i), Sort: "a"}, Version: 1,
					Fence: "12345678", Data: data,
					Wake: 1_700_000_000_000 + i, List: list('R', i)}
				if err := s.Commit(
					b.Context(), nil, row, driver.Condition{Absent: true, Now: 1},
				); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkExecution is one execution as docs/decisions/embedded-store.md measures it: a claim with
// list and wake entry, a commit, and the end with its history; 3 synced commits.
func BenchmarkExecution(b *testing.B) {
	claimed, running, history := make([]byte, 500), make([]byte, 800), make([]byte, 1200)
	for _, n := range callers {
		b.Run(fmt.Sprint("callers=", n), func(b *testing.B) {
			s := open(b, pebblestore.Options{Dir: b.TempDir()})
			b.ReportAllocs()
			eachCaller(b, n, 3, func(i int64) {
				p := partition(i)
				row := driver.Row{Key: driver.Key{Partition: p, Sort: "a"}, Version: 1,
					Fence: "12345678", Data: claimed,
					Wake: 1_700_000_000_000 + i, List: list('R', i)}
				err := s.Commit(b.Context(), nil, row, driver.Condition{Absent: true, Now: 1})
				if err == nil {
					row.Version, row.Data = 2, running
					err = s.Commit(b.Context(), nil, row,
						driver.Condition{Version: 1, Fence: row.Fence})
				}
				if err == nil {
					row.Version, row.Data, row.Wake, row.List = 3, claimed, 0, list('S', i)
					h := driver.Key{Partition: p, Sort: "h#12345678#0000000001"}
					puts := []driver.Row{{Key: h, Data: history}}
					err = s.Commit(b.Context(), puts, row,
						driver.Condition{Version: 2, Fence: row.Fence})
				}
				if err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkGet reads state rows by key.
func BenchmarkGet(b *testing.B) {
	s := open(b, pebblestore.Options{Dir: b.TempDir()})
	var rows []driver.Row
	for i := range int64(10_000) {
		rows = append(rows, driver.Row{Key: driver.Key{Partition: partition(i), Sort: "a"},
			Version: 1, Fence: "12345678", Data: make([]byte, 500)})
	}
	if err := s.Put(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		if _, err := s.Get(b.Context(), rows[i%10_000].Key); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLog is the upper bound: a log in a file, a map in memory, groups written and synced as
// above, and nothing else.
func BenchmarkLog(b *testing.B) {
	data := make([]byte, 600)
	for _, n := range callers {
		b.Run(fmt.Sprint("callers=", n), func(b *testing.B) {
			l := newBareLog(b)
			eachCaller(b, n, 1, func(i int64) { l.append(partition(i), data) })
			l.close(b)
		})
	}
}

type bareEntry struct {
	key  string
	data []byte
	done chan struct{}
}

type bareLog struct {
	file    *os.File
	entries chan bareEntry
	ended   chan error
	pool    sync.Pool
}

func newBareLog(b *testing.B) *bareLog {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	l := &bareLog{file: f, entries: make(chan bareEntry, 1024), ended: make(chan error, 1)}
	l.pool.New = func() any { return make(chan struct{}, 1) }
	go l.commit()
	return l
}

func (l *bareLog) append(key string, data []byte) {
	done := l.pool.Get().(chan struct{})
	l.entries <- bareEntry{key, data, done}
	<-done
	l.pool.Put(done)
}

func (l *bareLog) commit() {
	rows := map[string]int64{}
	var buffer []byte
	var group []bareEntry
	var size int64
	var failed error
	for e := range l.entries {
		group, buffer = append(group[:0], e), buffer[:0]
		for len(l.entries) > 0 {
			group = append(group, <-l.entries)
		}
		for _, e := range group {
			rows[e.key] = size + int64(len(buffer))
			buffer = binary.AppendUvarint(buffer, uint64(len(e.key)))
			buffer = append(append(buffer, e.key...), e.data...)
		}
		size += int64(len(buffer))
		if _, err := l.file.Write(buffer); err != nil {
			failed = err
		}
		if err := l.file.Sync(); err != nil {
			failed = err
		}
		for _, e := range group {
			e.done <- struct{}{}
		}
	}
	l.ended <- failed
}

func (l *bareLog) close(b *testing.B) {
	close(l.entries)
	if err := <-l.ended; err != nil {
		b.Error(err)
	}
	l.file.Close()
}
