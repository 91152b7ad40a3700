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

// headerSize is the size in bytes of the length and the checksum before each record.
const headerSize = 8

// recordMax bounds a record, so that a damaged length cannot allocate all memory.
const recordMax = 64 << 20

// allocation is how many bytes of the file are written in advance: a sync into space that the file
// already has is the cheapest one.
const allocation = 256 << 20

// ErrClosed reports that a log is closed and takes no more records.
var ErrClosed = errors.New("ceiling: the log is closed")

// Log is a file of records with group commit: one goroutine writes all waiting records and syncs
// them together. It is safe for concurrent use.
type Log struct {
	file  *os.File
	wake  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	open   *group // takes new records
	closed bool

	at     int64 // offset of the next group; used by the writer only
	groups int64 // used by the writer only
	spare  []byte
}

// group holds the records that are synced together.
type group struct {
	records []byte
	done    chan struct{} // closed when err is set
	err     error
}

// CreateLog creates an empty log and writes allocated bytes of space in advance (0: the default).
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
	l := &Log{file: file, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		open: newGroup(nil)}
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

// Append adds a record and returns when the record is on disk. It does not retain the slice.
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
	default: // the writer already has a wake-up that it has not read yet
	}
	<-g.done
	return g.err
}

func appendRecord(dst, record []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(record))
	return append(dst, record...)
}

// write syncs group after group until the log is closed. A failure is permanent, because afterwards
// it is unknown what the disk holds.
func (l *Log) write() {
	defer close(l.ended)
	var failed error
	for range l.wake {
		// Let the goroutines that the last group has woken append first; this costs nothing if
		// there are none.
		runtime.Gosched()
		l.mu.Lock()
		g, closed := l.open, l.closed
		some := len(g.records) > 0 // an empty group stays open, and later records join it
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

// Close writes the waiting records and returns the number of groups that were synced.
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

// ReadLog calls visit with each record of a log, in order, up to the first incomplete one. A record
// is valid only during the call.
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

// atEnd treats the end of the file as the end of the log, also in the middle of a record.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
