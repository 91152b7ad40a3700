package live

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"millrace/shared/rpc/client"
	"millrace/tests/support/port"
)

// Options of a server.
type Options struct {
	Data      string // directory of the store; "": one of the test's own
	Settings  string // text of the configuration file
	Functions string // text of the functions file; "": none
	// text of the credentials file; "": an open server
	Credentials string
	Env         []string // added to the environment
	// a command that runs the server: the first words of its command line
	Before []string
	User   *syscall.Credential // the user of the server; nil: the test's user
	Output io.Writer           // gets the server's output, besides Log; nil: only Log does
	// the log may show signs of a broken server: the test checks it itself
	AllowBadLog bool
}

// Server is the process. It is always started with the same address and directory.
type Server struct {
	Address string
	Data    string
	Log     *Tail

	t    testing.TB
	o    Options
	args []string
	run  *run
}

// run is one process of a server.
type run struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // from Wait
}

// New prepares a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	path := Binary(t)
	address, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, o: o, Address: address, Data: o.Data, Log: &Tail{}}
	dir := t.TempDir()
	if s.Data == "" {
		s.Data = filepath.Join(dir, "data")
	}
	s.args = append(append([]string{}, o.Before...), path, "serve", "--listen", s.Address,
		"--data", s.Data)
	for _, f := range []struct{ flag, name, text string }{
		{"--config", "settings.yaml", o.Settings}, {"--functions", "functions.yaml", o.Functions},
		{"--credentials", "credentials.yaml", o.Credentials},
	} {
		if f.text == "" {
			continue
		}
		name := filepath.Join(dir, f.name)
		if err := os.WriteFile(name, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.args = append(s.args, f.flag, name)
	}
	t.Cleanup(func() {
		s.Kill()
		for _, text := range s.Log.Bad() {
			if !o.AllowBadLog {
				t.Errorf("the server said: %s", text)
			}
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.Log)
		}
	})
	return s
}

// SetCredentials replaces the text of the credentials file. The server reads it when it starts.
func (s *Server) SetCredentials(text string) {
	s.t.Helper()
	i := slices.Index(s.args, "--credentials")
	if err := os.WriteFile(s.args[i+1], []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// SetProgram sets the program of the next start, such as that of another version.
func (s *Server) SetProgram(program string) { s.args[len(s.o.Before)] = program }

// Command returns the command line that starts the server. Its first word is the program.
func (s *Server) Command() []string { return append([]string{}, s.args...) }

// Endpoint returns the address in the form that clients take.
func (s *Server) Endpoint() string { return "http://" + s.Address }

// PID returns the id of the process; 0 if none runs.
func (s *Server) PID() int {
	if s.run == nil {
		return 0
	}
	return s.run.cmd.Process.Pid
}

// Alive reports whether the process runs.
func (s *Server) Alive() bool {
	if s.run == nil {
		return false
	}
	select {
	case <-s.run.ended:
		return false
	default:
		return true
	}
}

func (s *Server) launch() {
	s.t.Helper()
	cmd := exec.Command(s.args[0], s.args[1:]...)
	var out io.Writer = s.Log
	if s.o.Output != nil {
		out = io.MultiWriter(s.Log, s.o.Output)
	}
	cmd.Stderr, cmd.Stdout = out, out
	cmd.Env = append(os.Environ(), s.o.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.o.User, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	r := &run{cmd: cmd, ended: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.ended)
	}()
	s.run = r
}

// readyMax is how long a server may take until it listens or exits.
const readyMax = 3 * time.Minute

// Start starts the server and returns once it accepts connections or has exited. It listens before
// its store is open.
func (s *Server) Start() {
	s.t.Helper()
	s.launch()
	for deadline := time.Now().Add(readyMax); ; time.Sleep(2 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.Address); err == nil {
			c.Close()
			return
		}
		if !s.Alive() {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not listen:\n%s", s.Log)
		}
	}
}

// StartAndWait starts the server and waits until it answers or has exited. It reports whether the
// server answers; if not, its log has the reason.
func (s *Server) StartAndWait() bool {
	s.t.Helper()
	s.launch()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(readyMax); time.Now().Before(deadline); {
		select {
		case <-s.run.ended:
			s.run = nil
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if r, err := client.Get(s.Endpoint() + "/healthz"); err == nil {
			r.Body.Close()
			return true
		}
	}
	s.t.Fatalf("the server neither answers nor ends:\n%s", s.Log)
	return false
}

// WaitReady waits until the server answers requests.
func (s *Server) WaitReady() {
	s.t.Helper()
	r, err := (&http.Client{Timeout: readyMax}).Get(s.Endpoint() + "/healthz")
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.Log)
	}
	r.Body.Close()
}

// Client returns a client without credentials.
func (s *Server) Client() *client.Client { return s.ClientAs(client.Options{}) }

// ClientAs returns a client with options of its own, such as credentials.
func (s *Server) ClientAs(o client.Options) *client.Client {
	s.t.Helper()
	o.Endpoint = s.Endpoint()
	c, err := client.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Kill kills the server.
func (s *Server) Kill() {
	if s.run == nil {
		return
	}
	s.run.cmd.Process.Kill()
	<-s.run.ended
	s.run = nil
}

// WaitExit waits until the server has exited by itself, and returns its error.
func (s *Server) WaitExit(timeout time.Duration) error {
	s.t.Helper()
	select {
	case <-s.run.ended:
	case <-time.After(timeout):
		s.t.Errorf("the server does not end:\n%s", s.Log)
		s.run.cmd.Process.Kill()
		<-s.run.ended
	}
	err := s.run.err
	s.run = nil
	return err
}

// Shutdown ends the server as an operator does, and checks that it exits without an error.
func (s *Server) Shutdown() {
	s.t.Helper()
	s.run.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.WaitExit(2 * time.Minute); err != nil {
		s.t.Errorf("the server ended with %v:\n%s", err, s.Log)
	}
}
