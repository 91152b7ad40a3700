package fc

import (
	"bytes"
	"sync"
)

// logMax is how much of the output of a function is kept.
const logMax = 1 << 20

// tail is a log that keeps its end, and hands on lines if somebody wants them.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
	line func(string)
	part []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - logMax; over > 0 {
		t.text.Next(over)
	}
	if t.line == nil {
		return len(p), nil
	}
	t.part = append(t.part, p...)
	for {
		line, rest, ok := bytes.Cut(t.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		t.line(string(line))
		t.part = rest
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
