package live

import (
	"bytes"
	"sync"
)

// Tail keeps the end of the written text, and the lines that must never be written.
type Tail struct {
	mu  sync.Mutex
	buf []byte
	bad []string
}

// badSigns are the signs of a broken server.
var badSigns = []string{"DATA RACE", "panic:", "fatal error:", "interpreter broke", "value missing",
	"damaged"}

const tailMax = 32 << 10

// Write implements io.Writer.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	for _, sign := range badSigns {
		if bytes.Contains(p, []byte(sign)) && len(t.bad) < 5 {
			t.bad = append(t.bad, string(p))
		}
	}
	if len(t.buf) > 2*tailMax {
		t.buf = append([]byte(nil), t.buf[len(t.buf)-tailMax:]...)
	}
	return len(p), nil
}

// Bad returns the first few writes with signs of a broken server.
func (t *Tail) Bad() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.bad...)
}

// Reset empties it.
func (t *Tail) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf, t.bad = nil, nil
}

// String returns the end of the written text.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf[max(0, len(t.buf)-tailMax):]))
}
