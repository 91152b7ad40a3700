package engine_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
)

// lockedBuffer is a buffer for concurrent reads and writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLogEnds: an execution that ends without success is logged once, without its cause.
func TestLogEnds(t *testing.T) {
	for _, on := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var out lockedBuffer
			w := newHarness(t)
			bad := w.flow("bad", "- {Name: A, Type: Fail, Code: Broken, Detail: a secret}\n")
			good := w.flow("good", "- {Name: A, Type: Pass, End: true}\n")
			h := w.open(func(o *engine.Options) {
				o.LogEnds, o.Log = on, slog.New(slog.NewTextHandler(&out, nil))
			})
			h.start(bad, "one")
			h.start(good, "two")
			time.Sleep(time.Minute)
			text := out.String()
			if n := strings.Count(text, "ended without success"); on != (n == 1) || !on && n > 0 {
				t.Errorf("%d lines:\n%s", n, text)
			}
			if on && !strings.Contains(text, "flow=bad execution=one status=Failed error=Broken") ||
				strings.Contains(text, "secret") || strings.Contains(text, "execution=two") {
				t.Error(text)
			}
			h.close()
		})
	}
}
