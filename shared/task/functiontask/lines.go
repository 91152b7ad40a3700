package functiontask

import (
	"bytes"
	"strings"
	"sync"
)

// lineMax is the maximum length in bytes of a logged line. A longer line is logged in pieces.
const lineMax = 16 << 10

// lines is a writer that logs whole lines with a prefix.
type lines struct {
	log func(string)

	mu      sync.Mutex
	prefix  string
	started chan struct{} // closed when prefix is set
	rest    []byte        // the current, unfinished line
}

func newLines(log func(string)) *lines {
	return &lines{log: log, started: make(chan struct{})}
}

// start sets the prefix. Calls of Write wait for it.
func (l *lines) start(prefix string) {
	l.prefix = prefix
	close(l.started)
}

// Write logs the lines that p completes and keeps the rest.
func (l *lines) Write(p []byte) (int, error) {
	<-l.started
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		piece := p
		end := bytes.IndexByte(p, '\n')
		if end >= 0 {
			piece = p[:end]
		}
		if free := lineMax - len(l.rest); len(piece) > free {
			l.rest = append(l.rest, p[:free]...)
			p = p[free:]
			l.print()
			continue
		}
		l.rest = append(l.rest, piece...)
		p = p[len(piece):]
		if end >= 0 {
			p = p[1:]
			l.print()
		}
	}
	return n, nil
}

// flush logs an unfinished last line.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.print()
	}
}

func (l *lines) print() {
	l.log(l.prefix + strings.ToValidUTF8(string(bytes.TrimSuffix(l.rest, []byte("\r"))), "\uFFFD"))
	l.rest = l.rest[:0]
}
