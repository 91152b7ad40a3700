// Package crash_test kills the server again and again while it works, and checks that nothing that it has acknowledged is
// lost, and that nothing counts twice.
package crash_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the folder of the binary; "" without.
var built string

// binary is the server, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "millrace-crash-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "millrace")
	args := []string{"build", "-o", path}
	if os.Getenv("MILLRACE_CRASH_RACE") != "" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "millrace/functions/local")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// server is the process that is killed. It is always started on the same address and directory.
type server struct {
	t       *testing.T
	address string
	args    []string
	cmd     *exec.Cmd
	log     *tail
}

// newServer prepares a server; settings and functions are its files' texts.
func newServer(t *testing.T, settings, functions string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, address: l.Addr().String(), log: &tail{}}
	l.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"settings.yaml": settings, "functions.yaml": functions} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.args = []string{path, "serve", "--listen", s.address, "--data", filepath.Join(dir, "data"),
		"--config", filepath.Join(dir, "settings.yaml"), "--functions", filepath.Join(dir, "functions.yaml")}
	t.Cleanup(func() {
		s.kill()
		for _, text := range s.log.bad {
			t.Errorf("the server said: %s", text)
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.log)
		}
	})
	return s
}

// start starts the server and returns once it accepts connections.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Stderr, s.cmd.Stdout = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.address); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not listen:\n%s", s.log)
		}
	}
}

// kill ends the server at once.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
}

// end ends the server as an operator does, and checks that it ends well.
func (s *server) end() {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func(cmd *exec.Cmd) { done <- cmd.Wait() }(s.cmd)
	select {
	case err := <-done:
		if err != nil {
			s.t.Errorf("the server ended with %v:\n%s", err, s.log)
		}
	case <-time.After(40 * time.Second):
		s.t.Errorf("the server does not end:\n%s", s.log)
		s.cmd.Process.Kill()
		<-done
	}
	s.cmd = nil
}

// tail keeps the end of what is written, and every line that must never be written.
type tail struct {
	mu  sync.Mutex
	buf []byte
	bad []string
}

// never are the signs of a broken server.
var never = []string{"DATA RACE", "panic:", "fatal error:", "interpreter broke", "value missing", "damaged"}

const tailMax = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	for _, sign := range never {
		if bytes.Contains(p, []byte(sign)) && len(t.bad) < 5 {
			t.bad = append(t.bad, string(p))
		}
	}
	if len(t.buf) > 2*tailMax {
		t.buf = append([]byte(nil), t.buf[len(t.buf)-tailMax:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf[max(0, len(t.buf)-tailMax):]))
}

// answers waits until the server answers requests: it listens before its store is open.
func (s *server) answers() {
	s.t.Helper()
	r, err := (&http.Client{Timeout: 30 * time.Second}).Get("http://" + s.address + "/?Action=DescribeRegions&Version=2019-03-15")
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.log)
	}
	r.Body.Close()
}

// TestOneOwner: a second process on the same directory is refused and says why, the first goes on.
func TestOneOwner(t *testing.T) {
	s := newServer(t, "{}", "{}")
	s.start()
	s.answers()
	second := append([]string(nil), s.args[1:]...)
	second[2] = "127.0.0.1:0"
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, s.args[0], second...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("a second server on the same directory runs: %v\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "in use by another process") || !strings.Contains(text, "data") {
		t.Errorf("the second server says %q", text)
	}
	s.answers()
	s.end()
}
