//go:build !unix

package fctask

import "net"

// wasReset reports nothing here: reads and writes show most resets.
func wasReset(net.Conn) bool { return false }
