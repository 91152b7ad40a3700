// Package port assigns TCP ports to processes that get their port as an argument. To ask the system
// for a free port and close it again would leave a gap: before the process listens, the system may
// assign the same port to another test.
package port

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports are below those that systems assign by themselves.
const first, count = 12_000, 18_000

// Take returns a port on which no process listens. No other caller of Take gets it while this
// process runs: a UDP socket with the same number is the claim, and the system closes it with the
// process.
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

// Loopback returns a port from Take as an address: 127.0.0.1 and the port.
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

// holding keeps the claims reachable, because the garbage collector closes an unreachable socket.
var holding struct {
	sync.Mutex
	claims []*net.UDPConn
}
