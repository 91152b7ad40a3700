//go:build unix

package httpclient

import (
	"net"
	"syscall"
)

// peeker checks whether the peer has closed an idle connection, or has sent data that no request
// asked for.
type peeker struct {
	raw  syscall.RawConn // nil: cannot be checked
	look func(fd uintptr) bool
	open bool
	byte [1]byte
}

func (p *peeker) init(conn net.Conn) {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	p.raw, _ = s.SyscallConn()
	p.look = func(fd uintptr) bool {
		// The descriptor is non-blocking.
		n, _, err := syscall.Recvfrom(int(fd), p.byte[:], syscall.MSG_PEEK)
		p.open = n <= 0 && (err == syscall.EAGAIN || err == syscall.EINTR)
		return true
	}
}

// open reports whether the connection can carry another exchange.
func (c *plainConn) open() bool {
	if c.peek.raw == nil {
		return false
	}
	err := c.peek.raw.Read(c.peek.look)
	return err == nil && c.peek.open
}
