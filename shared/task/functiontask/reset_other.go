//go:build !unix

package functiontask

import "net"

// wasReset always returns false: reads and writes show most resets.
func wasReset(net.Conn) bool { return false }
