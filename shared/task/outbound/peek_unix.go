//go:build unix

package outbound

import (
	"net"
	"syscall"
)

// peeker looks whether a connection that nobody reads from has been closed by the peer, or holds what nobody asked for.
type peeker struct {
	raw  syscall.RawConn // nil: cannot be looked at
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
		n, _, err := syscall.Recvfrom(int(fd), p.byte[:], syscall.MSG_PEEK) // the descriptor does not block
		p.open = n <= 0 && (err == syscall.EAGAIN || err == syscall.EINTR)
		return true
	}
}

// open tells whether the connection can take another exchange.
func (c *plainConn) open() bool {
	if c.peek.raw == nil {
		return false
	}
	err := c.peek.raw.Read(c.peek.look)
	return err == nil && c.peek.open
}
