package functiontask

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// failing returns an open function that fails from the nth file on.
func failing(n int, with error) func(string) (*os.File, error) {
	return func(path string) (*os.File, error) {
		if n--; n < 0 {
			return nil, &fs.PathError{Op: "open", Path: path, Err: with}
		}
		return os.Open(path)
	}
}

// accepted returns the server's end of a connection of this process.
func accepted(t *testing.T) net.Conn {
	t.Helper()
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); conn.Close() })
	return conn
}

// TestUnreadableTablesRefuse: if a kernel table cannot be opened, no process gets in, not even the
// command's, unless the kernel had no tables when the first command started. A table that was
// opened is not opened again.
func TestUnreadableTablesRefuse(t *testing.T) {
	conn := accepted(t)
	const nobody = 1 << 30 // no process has this id, so no connection belongs to it
	for _, c := range []struct {
		name     string
		opens    int   // number of opens before they fail
		with     error // the error from then on
		own      bool  // whether the command's own connection passes
		stranger bool  // whether a connection of any other process passes
	}{
		{"readable", 100, nil, true, false},
		{"no descriptors from the start", 0, syscall.EMFILE, false, false},
		{"no descriptors in the system", 0, syscall.ENFILE, false, false},
		{"not permitted", 0, syscall.EACCES, false, false},
		{"an input error", 0, syscall.EIO, false, false},
		{"no descriptors later", 2, syscall.EMFILE, true, false},
		{"unmounted later", 2, syscall.ENOENT, true, false},
		{"no /proc", 0, syscall.ENOENT, true, true},
	} {
		for _, by := range []struct {
			leader int
			passes bool
		}{{os.Getpid(), c.own}, {nobody, c.stranger}} {
			p := newPeers(by.leader, uint32(os.Getuid()))
			p.tables = newTables(failing(c.opens, c.with))
			if err := p.check(conn); (err == nil) != by.passes {
				t.Errorf("%s: leader %d: %v", c.name, by.leader, err)
			} else if err != nil && c.opens == 0 && !errors.Is(err, c.with) {
				t.Errorf("%s: the reason is %v", c.name, err)
			}
		}
	}
}

// TestUnreadableTablesRecover: once descriptors are free again, connections pass again.
func TestUnreadableTablesRecover(t *testing.T) {
	conn, n := accepted(t), 0
	p := newPeers(os.Getpid(), uint32(os.Getuid()))
	p.tables = newTables(func(path string) (*os.File, error) {
		if n++; n <= 3 { // both tables at the start, and the first one at the first check
			return nil, syscall.EMFILE
		}
		return os.Open(path)
	})
	if err := p.check(conn); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("without a descriptor: %v", err)
	}
	if err := p.check(conn); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestConnectionsAreBounded: a function has at most connectionsMax connections to its runtime API.
// A connection that it closes frees a slot.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	logged := make(chan string, 100)
	l := newPeerListener(inner, newPeers(os.Getpid(), uint32(os.Getuid())), func(s string) {
		logged <- s
	})
	conns := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
		}
	}()
	dial := func() net.Conn {
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		return client
	}
	var open []net.Conn
	for range connectionsMax {
		dial()
		open = append(open, <-conns)
	}
	for range 3 {
		if _, err := dial().Read(make([]byte, 1)); err == nil { // the server closes it
			t.Error("more connections than there may be")
		}
	}
	if line := <-logged; !strings.Contains(line, "the function has 16 open") {
		t.Error(line)
	}
	open[0].Close()
	open[0].Close() // frees one slot only
	dial()
	<-conns
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a connection that is closed twice frees two places")
	}
}
