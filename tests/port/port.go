// Package port gives TCP ports to processes that are told where to listen. Asking the system for a free port and closing
// it again leaves a gap: before the process listens, another test may be given the same one.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports lie below those that systems give out by themselves.
const first, count = 12_000, 18_000

// Take gives a port on which nothing listens, and which nobody else takes from here while this process runs: a UDP socket
// with the same number stands for the claim, which the system drops with the process.
func Take() (int, error) {
	var refused error
	for range 1000 {
		port := first + rand.IntN(count)
		if refused = claim(port); refused == nil {
			return port, nil
		}
	}
	return 0, refused
}

// Loopback is Take as an address: 127.0.0.1 and the port.
func Loopback() (string, error) {
	port, err := Take()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

func claim(port int) error {
	held, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return err
	}
	used, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return errors.Join(err, held.Close())
	}
	holding.Lock()
	defer holding.Unlock()
	holding.claims = append(holding.claims, held)
	return used.Close()
}

// holding keeps the claims reachable: a socket that is collected is closed.
var holding struct {
	sync.Mutex
	claims []*net.UDPConn
}
