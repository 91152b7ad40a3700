//go:build !linux

package functiontask

import "net"

// peers checks nothing: these systems do not show which process has opened a connection.
type peers struct{}

func newPeers(int, uint32) *peers { return &peers{} }

func (*peers) check(net.Conn) error { return nil }
