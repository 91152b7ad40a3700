package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"millrace/tests/bench/ceiling"
)

// syncTimes returns the median time that the disk takes to sync a small record: into space that is
// already allocated to the file, and at the end of a growing file.
func syncTimes(dir string) (allocated, growing time.Duration, err error) {
	const records, size = 300, 512
	path := filepath.Join(dir, "sync")
	if err := os.WriteFile(path, make([]byte, records*size), 0o600); err != nil {
		return 0, 0, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(path)
	defer file.Close()
	if err := file.Sync(); err != nil {
		return 0, 0, err
	}
	record := make([]byte, size)
	record[0] = 1
	sync := func(at int) (time.Duration, error) {
		begin := time.Now()
		if _, err := file.WriteAt(record, int64(at*size)); err != nil {
			return 0, err
		}
		err := ceiling.Datasync(file)
		return time.Since(begin), err
	}
	var times [2 * records]time.Duration
	for n := range times {
		if times[n], err = sync(n); err != nil {
			return 0, 0, err
		}
	}
	slices.Sort(times[:records])
	slices.Sort(times[records:])
	return times[records/2], times[records+records/2], nil
}
