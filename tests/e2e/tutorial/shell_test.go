//go:build unix

package tutorial_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/tests/support/live"
)

// patience is the time that a command or the start of a server may take. A first `go run` compiles.
const patience = 2 * time.Minute

// shell is the reader's terminal: one process of sh for all commands of a page, in a folder of its
// own. What a command prints, and what servers send to the terminal, comes in the order
// in which it is written.
type shell struct {
	t       *testing.T
	folder  string
	address string // of the servers, instead of 127.0.0.1:8642
	cmd     *exec.Cmd
	in      io.WriteCloser
	lines   chan string
}

const defaultAddress = "127.0.0.1:8642"

// newShell starts a shell in a folder with bin/millrace and a copy of examples/.
func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, folder: t.TempDir(), address: freeAddress(t), lines: make(chan string)}
	binary := live.Binary(t)
	if err := os.Mkdir(filepath.Join(s.folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(s.folder, "bin/millrace")); err != nil {
		t.Fatal(err)
	}
	examples := os.DirFS("../../../examples")
	if err := os.CopyFS(filepath.Join(s.folder, "examples"), examples); err != nil {
		t.Fatal(err)
	}
	s.start(binary)
	return s
}

// start starts the process, and a goroutine that passes its lines on.
func (s *shell) start(binary string) {
	s.t.Helper()
	s.cmd = exec.Command("/bin/sh")
	s.cmd.Dir = s.folder
	s.cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"),
		"MILLRACE_ENDPOINT=http://"+s.address)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its servers are in the group
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	w.Close()
	go func() {
		defer close(s.lines)
		for b := bufio.NewScanner(r); b.Scan(); {
			s.lines <- b.Text()
		}
	}()
	s.t.Cleanup(func() { s.end(r) })
}

// end ends the last server as Ctrl-C does, waits for it, and kills what is left long after.
func (s *shell) end(r *os.File) {
	kill := time.AfterFunc(20*time.Second, func() {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	})
	fmt.Fprint(s.in, "kill $! 2>/dev/null\nwait\nexit\n")
	for range s.lines { // ends when the last process has closed it
	}
	s.cmd.Wait()
	kill.Stop()
	r.Close()
}

const (
	done      = "~done~"
	elsewhere = " >server.log 2>&1" // where a server prints that runs in another terminal
)

// startsServer does not match `rm -r .millrace server.log`.
var startsServer = regexp.MustCompile(`millrace serve\b`)

// run runs a command, and returns the lines that it prints.
func (s *shell) run(command string) (lines []string) {
	s.t.Helper()
	command = strings.ReplaceAll(command, defaultAddress, s.address)
	serves := startsServer.MatchString(command)
	if serves {
		before, background := strings.CutSuffix(command, "&")
		command = strings.Replace(before, " serve", " serve --listen "+s.address, 1)
		if !background { // in another terminal
			command += elsewhere
		}
		command += " &"
	}
	// The exit code is kept for a command `echo $?`.
	fmt.Fprintf(s.in, "%s\nset -- $?; echo; echo '%s'; (exit $1)\n", command, done)
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("the shell has ended after %q", command)
			}
			if line != done {
				lines = append(lines, s.asShown(line))
				continue
			}
			s.settle(command, serves)
			return append(trimmed(lines), trimmed(s.otherTerminal(command))...)
		case <-timeout:
			s.t.Fatalf("%q does not end:\n%s", command, strings.Join(lines, "\n"))
		}
	}
}

// asShown replaces the test's address and folder by those that the pages show.
func (s *shell) asShown(text string) string {
	return strings.NewReplacer(s.address, defaultAddress, s.folder, "/home/ada/millrace").Replace(text)
}

// otherTerminal returns what a server prints that runs in another terminal.
func (s *shell) otherTerminal(command string) []string {
	s.t.Helper()
	if !strings.Contains(command, elsewhere) {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.folder, "server.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Split(s.asShown(string(text)), "\n")
}

// settle waits until a server that was started serves, and until one that was killed does not: the
// reader is not as fast as this test.
func (s *shell) settle(command string, serves bool) {
	s.t.Helper()
	killed := strings.HasPrefix(command, "kill ")
	for end := time.Now().Add(patience); serves || killed; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get("http://" + s.address + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) == serves {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.folder, "server.log"))
			s.t.Fatalf("%s: after a long time, GET /healthz: %v\n%s", command, err, log)
		}
	}
}

// trimmed returns lines without what the test adds: an empty line at the end, and what some shells
// say about servers that were killed.
func trimmed(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if !strings.Contains(line, "Killed") {
			kept = append(kept, line)
		}
	}
	for len(kept) > 0 && strings.TrimSpace(kept[len(kept)-1]) == "" {
		kept = kept[:len(kept)-1]
	}
	return kept
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
