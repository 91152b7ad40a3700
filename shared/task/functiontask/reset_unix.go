//go:build unix

package functiontask

import (
	"net"
	"syscall"
)

// wasReset reports whether the peer has reset a connection. After the end of the peer's data reads
// do not show that, so wasReset queries the error of the socket itself.
func wasReset(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	reset := false
	err = raw.Control(func(fd uintptr) {
		n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		reset = err == nil && n != 0
	})
	return err == nil && reset
}
