package security_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// both is a log handler that writes text and JSON, at all levels.
type both struct{ text, json slog.Handler }

func newBoth(w io.Writer) both {
	o := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return both{slog.NewTextHandler(w, o), slog.NewJSONHandler(w, o)}
}

func (b both) Enabled(context.Context, slog.Level) bool { return true }

func (b both) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(b.text.Handle(ctx, r.Clone()), b.json.Handle(ctx, r))
}

func (b both) WithAttrs(a []slog.Attr) slog.Handler {
	return both{b.text.WithAttrs(a), b.json.WithAttrs(a)}
}

func (b both) WithGroup(name string) slog.Handler {
	return both{b.text.WithGroup(name), b.json.WithGroup(name)}
}

// sink collects the text of many writers.
type sink struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// recording is a transport that keeps every response.
type recording struct{ to io.Writer }

// RoundTrip implements http.RoundTripper.
func (c recording) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(text))
	fmt.Fprintf(c.to, "%d %v %s\n", response.StatusCode, response.Header, text)
	return response, err
}

// contents returns all bytes of the files of a directory.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a file that was just removed
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
