package clients_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// started is the server under test: the built binary in a process of its own.
type started struct {
	address string
	cmd     *exec.Cmd
	log     logBuffer
	ended   chan struct{}
}

// server serves all tests. It has the accounts of accountsFile and the functions of tasks.
var server *started

// binary is the path of the built server.
var binary string

// functions is the HTTP server of tasks.
var functions *httptest.Server

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests/clients:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if err := checkDeployment(); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if deployment.settings != "" {
		_, _, err := writeSettings(deployment.settings, "http://"+deployment.functions)
		return 0, err
	}
	if deployment.endpoint == "" {
		if binary, err = build(); err != nil {
			return 0, err
		}
	}
	if functions, err = startTasks(); err != nil {
		return 0, err
	}
	defer functions.Close()
	if deployment.endpoint != "" {
		server = &started{address: deployment.endpoint}
		return m.Run(), nil
	}
	credentialsFile, functionsFile, err := writeSettings(dir, functions.URL)
	if err != nil {
		return 0, err
	}
	server, err = start("--data", filepath.Join(dir, "data"), "--credentials", credentialsFile,
		"--functions", functionsFile)
	if err != nil {
		return 0, err
	}
	code = m.Run()
	if err := server.stop(); err != nil {
		return 0, err
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "--- the server's log\n%s", server.log.String())
	}
	return code, nil
}

// writeSettings writes the server's configuration into a folder: who may call it, and which
// functions flows call.
func writeSettings(dir, functions string) (credentialsFile, functionsFile string, err error) {
	credentialsFile, functionsFile = filepath.Join(dir, "credentials.yaml"),
		filepath.Join(dir, "functions.yaml")
	return credentialsFile, functionsFile, errors.Join(
		os.WriteFile(credentialsFile, []byte(accountsFile()), 0o600),
		os.WriteFile(functionsFile, []byte(functionsYAML(functions)), 0o600),
	)
}

// build builds bin/millrace in the server's module, as its Makefile does.
func build() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	out := filepath.Join(root, "bin", "millrace")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./cmd/millrace")
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return out, nil
}

// start runs `millrace serve` on a port that the system chooses, and waits until the server prints
// it.
func start(flags ...string) (*started, error) {
	s := &started{ended: make(chan struct{})}
	s.cmd = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server ended at once:\n%s", s.log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if serves := servesAt.FindStringSubmatch(s.log.String()); serves != nil {
			s.address = serves[1]
			return s, nil
		}
	}
	s.cmd.Process.Kill()
	return nil, fmt.Errorf("the server did not listen within three minutes:\n%s", s.log.String())
}

// servesAt matches the address in the server's first output.
var servesAt = regexp.MustCompile(`serves http://(\S+)`)

// stop interrupts the server. The server must end by itself, without an error.
func (s *started) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("interrupt: %w\n%s", err, s.log.String())
	}
	select {
	case <-s.ended:
	case <-time.After(2 * time.Minute):
		s.cmd.Process.Kill()
		return fmt.Errorf("the server went on for two minutes after an interrupt:\n%s",
			s.log.String())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 ||
		strings.Contains(s.log.String(), "panic") {
		return fmt.Errorf("the server ended with status %d:\n%s", code, s.log.String())
	}
	return nil
}

// logBuffer collects the output of the server.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
