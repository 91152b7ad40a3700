package functiontask

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
)

// peers identifies the processes that a runtime API serves: the command, its process group and
// their descendants. TCP does not carry the peer's credentials, but the kernel's tables show the
// socket at the other end and which process holds it.
type peers struct {
	leader int    // process id of the command, and id of its group
	uid    uint32 // of the command
	tables *tables

	mu sync.Mutex
	// last is the process that held the socket at the last check: most commands have one process.
	last process
}

// process is one process during its life. The kernel reuses ids, but with another start time.
type process struct {
	pid, parent, group int
	start              string
	// ended means that its parent has not waited for it yet; it holds no descriptors any more.
	ended bool
}

// newPeers returns the peers of the command with this process id.
func newPeers(leader int, uid uint32) *peers {
	p := &peers{leader: leader, uid: uid, tables: kernelTables()}
	p.last, _ = readProcess(leader)
	return p
}

// socket is a row of the kernel's table.
type socket struct {
	uid   uint32
	inode string
}

// check returns an error unless one of the command's processes opened the connection.
//   - If the kernel has no tables (/proc is not mounted), nothing can be checked and every
//     connection passes.
//   - If a table cannot be read for any other reason, check returns an error.
//   - If the kernel does not show the command's descriptors (it runs as another user and the server
//     has no CAP_SYS_PTRACE), a connection passes if its socket belongs to the command's user.
func (p *peers) check(conn net.Conn) error {
	if p.tables.absent {
		return nil
	}
	from, to := addressOf(conn.RemoteAddr()), addressOf(conn.LocalAddr())
	s, err := p.tables.find(from, to)
	if err != nil {
		return fmt.Errorf("%s: which process it is of cannot be found: %w", from, err)
	}
	if s == nil {
		return fmt.Errorf("%s has gone", from)
	}
	held, err := p.hold(s.inode)
	switch {
	case held:
		return nil
	case errors.Is(err, fs.ErrPermission) && s.uid == p.uid:
		return nil
	}
	return fmt.Errorf("%s, of user %d, belongs to no process of the command", from, s.uid)
}

func addressOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())
	}
	return netip.AddrPort{}
}

// table is one of the kernel's tables of sockets. Its file stays open, because a check must not
// depend on a free descriptor: other processes can use up the last one.
type table struct {
	path string
	open func(path string) (*os.File, error)

	mu   sync.Mutex
	file *os.File // nil until it could be opened
}

// tables are the table for IPv4 and the table for IPv6, whose sockets may be connected to IPv4
// addresses.
type tables struct {
	tcp, tcp6 *table
	absent    bool // the kernel has none
}

// kernelTables opens the tables when the first command starts. Only then does it decide whether the
// kernel has tables.
var kernelTables = sync.OnceValue(func() *tables { return newTables(os.Open) })

func newTables(open func(path string) (*os.File, error)) *tables {
	t := &tables{
		tcp:  &table{path: "/proc/net/tcp", open: open},
		tcp6: &table{path: "/proc/net/tcp6", open: open},
	}
	t.absent = errors.Is(t.tcp.rewind(), fs.ErrNotExist)
	_ = t.tcp6.rewind() // find tries again
	return t
}

// rewind makes the next read start at the beginning, with the table's current content.
func (t *table) rewind() (err error) {
	if t.file == nil {
		if t.file, err = t.open(t.path); err != nil {
			t.file = nil
			return err
		}
	}
	_, err = t.file.Seek(0, io.SeekStart)
	return err
}

// find returns the socket that is connected from one IPv4 address to the other, nil if there is
// none. A table that changes during a read may hide a row, so find reads it twice before it reports
// that a socket is missing.
func (t *tables) find(from, to netip.AddrPort) (*socket, error) {
	const mapped = "0000000000000000%08X" // ::ffff:0:0/96 in the machine's byte order
	prefix := fmt.Sprintf(mapped, binary.NativeEndian.Uint32([]byte{0, 0, 0xff, 0xff}))
	f, to4 := tableText(from), tableText(to)
	for range 2 {
		s, err := t.tcp.findRow(f, to4)
		if s != nil || err != nil {
			return s, err
		}
		s, err = t.tcp6.findRow(prefix+f, prefix+to4)
		// A kernel without IPv6 has no such table.
		if s != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
	return nil, nil
}

// tableText returns an address as the kernel's table writes it: hexadecimal, in the machine's byte
// order.
func tableText(a netip.AddrPort) string {
	b := a.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(b[:]), a.Port())
}

// Columns of /proc/net/tcp.
const (
	columnFrom  = 1
	columnTo    = 2
	columnUser  = 7
	columnInode = 9
)

func (t *table) findRow(from, to string) (*socket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.rewind(); err != nil {
		return nil, err
	}
	key := []byte(" " + from + " " + to + " ")
	rows := bufio.NewScanner(t.file)
	for rows.Scan() {
		if !bytes.Contains(rows.Bytes(), key) {
			continue
		}
		columns := strings.Fields(rows.Text())
		if len(columns) <= columnInode || columns[columnFrom] != from || columns[columnTo] != to {
			continue
		}
		uid, err := strconv.ParseUint(columns[columnUser], 10, 32)
		if err != nil {
			return nil, err
		}
		return &socket{uid: uint32(uid), inode: columns[columnInode]}, nil
	}
	return nil, rows.Err()
}

// hold reports whether a process of the command holds the socket. The error is fs.ErrPermission if
// the kernel does not show the descriptors of one of its processes.
func (p *peers) hold(inode string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, ok := readProcess(p.last.pid); ok && now.start == p.last.start {
		if held, _ := holds(now.pid, inode); held {
			return true, nil
		}
	}
	var hidden error
	for _, member := range p.members() {
		if member.ended {
			continue
		}
		held, err := holds(member.pid, inode)
		if held {
			p.last = member
			return true, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			hidden = err
		}
	}
	return false, hidden
}

// members returns the processes of the command's group that still run, and all their descendants.
func (p *peers) members() []process {
	all := make(map[int]process)
	for _, name := range processNames() {
		if pid, err := strconv.Atoi(name); err == nil {
			if one, ok := readProcess(pid); ok {
				all[pid] = one
			}
		}
	}
	var members []process
	for _, one := range all {
		// The bound ends a walk through process ids that were reused meanwhile.
		for ancestor, n := one, 0; n <= len(all); n++ {
			if ancestor.group == p.leader || ancestor.pid == p.leader {
				members = append(members, one)
				break
			}
			next, ok := all[ancestor.parent]
			if !ok {
				break
			}
			ancestor = next
		}
	}
	return members
}

func processNames() []string {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}

// readProcess reads /proc/{pid}/stat. The name in parentheses may contain anything; the fields
// follow its last parenthesis.
func readProcess(pid int) (process, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	const state, parent, group, start = 0, 1, 2, 19
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= start {
		return process{}, false
	}
	p := process{
		pid: pid, start: fields[start], ended: fields[state] == "Z" || fields[state] == "X",
	}
	p.parent, _ = strconv.Atoi(fields[parent])
	p.group, _ = strconv.Atoi(fields[group])
	return p, true
}

// holds reports whether a process has the socket among its descriptors.
func holds(pid int, inode string) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/fd"
	dir, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		to, err := os.Readlink(path + "/" + name)
		if err == nil && to == "socket:["+inode+"]" {
			return true, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			return false, err
		}
	}
	return false, nil
}
