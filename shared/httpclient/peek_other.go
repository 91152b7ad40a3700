//go:build !unix

package httpclient

import (
	"net"
	"time"
)

// peeker is empty on systems on which a connection cannot be checked without reading from it.
type peeker struct{}

func (*peeker) init(net.Conn) {}

// open assumes that a connection used within the last second is still open.
func (c *plainConn) open() bool { return time.Since(c.idle) < time.Second }
