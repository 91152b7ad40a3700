package ceiling

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sync"
)

// headerSize is the length and the checksum before each record.
const headerSize = 8

// recordMax bounds a record, so that a damaged length cannot ask for all memory.
const recordMax = 64 << 20

// allocation is how much of the file is written ahead: a sync into space that the file already has is the cheapest.
const allocation = 256 << 20

// ErrClosed says that a log takes no more records.
var ErrClosed = errors.New("ceiling: the log is closed")

// Log is a file of records with group commit: one goroutine writes all records that wait and syncs them together. It is
// safe for many goroutines.
type Log struct {
	file  *os.File
	wake  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	open   *group // takes records
	closed bool

	at     int64 // where the next group goes; only the writer
	groups int64 // only the writer
	spare  []byte
}

// group is the records that are synced together.
type group struct {
	records []byte
	done    chan struct{} // closed when err is known
	err     error
}

// CreateLog makes an empty log, with space for allocated bytes (0: the default) that is written ahead.
func CreateLog(path string, allocated int64) (*Log, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if allocated == 0 {
		allocated = allocation
	}
	if err := fill(file, allocated); err != nil {
		file.Close()
		return nil, fmt.Errorf("ceiling: cannot write the log ahead: %w", err)
	}
	l := &Log{file: file, wake: make(chan struct{}, 1), ended: make(chan struct{}), open: newGroup(nil)}
	go l.write()
	return l, nil
}

// fill writes zeros and syncs them.
func fill(file *os.File, bytes int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < bytes; at += int64(len(zeros)) {
		if _, err := file.WriteAt(zeros[:min(int64(len(zeros)), bytes-at)], at); err != nil {
			return err
		}
	}
	return file.Sync()
}

func newGroup(space []byte) *group { return &group{records: space[:0], done: make(chan struct{})} }

// Append adds a record and returns when it is on disk. The record is not kept.
func (l *Log) Append(record []byte) error {
	if len(record) == 0 || len(record) > recordMax {
		return fmt.Errorf("ceiling: a record of %d bytes", len(record))
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	g := l.open
	g.records = appendRecord(g.records, record)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // the writer has been called already and has not looked yet
	}
	<-g.done
	return g.err
}

func appendRecord(dst, record []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(record))
	return append(dst, record...)
}

// write syncs group after group until the log is closed. A failure is for ever: what the disk holds is not known then.
func (l *Log) write() {
	defer close(l.ended)
	var failed error
	for range l.wake {
		// Let those whom the last group has woken come back first: it costs nothing when there are none.
		runtime.Gosched()
		l.mu.Lock()
		g, closed := l.open, l.closed
		some := len(g.records) > 0 // an empty group stays open, and others append to it
		if some {
			l.open = newGroup(l.spare)
			l.spare = nil
		}
		l.mu.Unlock()
		if some {
			if failed == nil {
				failed = l.sync(g.records)
			}
			g.err = failed
			l.spare = g.records
			close(g.done)
		}
		if closed {
			return
		}
	}
}

func (l *Log) sync(records []byte) error {
	if _, err := l.file.WriteAt(records, l.at); err != nil {
		return err
	}
	l.at += int64(len(records))
	l.groups++
	return Datasync(l.file)
}

// Close writes what waits and gives the number of groups that were synced.
func (l *Log) Close() (groups int64, err error) {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again {
		return 0, ErrClosed
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	<-l.ended
	return l.groups, l.file.Close()
}

// ReadLog gives the records of a log to visit, in their order, up to the first that is not whole. A record is only
// valid during the call.
func ReadLog(path string, visit func(record []byte)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var header [headerSize]byte
	var record []byte
	for {
		if _, err := io.ReadFull(file, header[:]); err != nil {
			return atEnd(err)
		}
		size, sum := binary.LittleEndian.Uint32(header[:]), binary.LittleEndian.Uint32(header[4:])
		if size == 0 || size > recordMax {
			return nil
		}
		if uint32(cap(record)) < size {
			record = make([]byte, size)
		}
		record = record[:size]
		if _, err := io.ReadFull(file, record); err != nil {
			return atEnd(err)
		}
		if crc32.ChecksumIEEE(record) != sum {
			return nil
		}
		visit(record)
	}
}

// atEnd takes the end of the file, in the middle of a record too, for the end of the log.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
