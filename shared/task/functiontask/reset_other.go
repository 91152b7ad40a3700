//go:build !unix

package functiontask

import "net"

// wasReset reports nothing here: reads and writes show most resets.
func wasReset(net.Conn) bool { return false }
