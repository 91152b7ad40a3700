package fc

import (
	"bytes"
	"sync"
)

// logMax limits how much of a function's output is kept, in bytes.
const logMax = 1 << 20

// tail is a log that keeps its end, and passes on whole lines if a receiver is set.
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
