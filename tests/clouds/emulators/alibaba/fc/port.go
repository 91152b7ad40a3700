package fc

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports are below those that systems assign by themselves.
const firstPort, ports = 12_000, 18_000

// freePort returns a port on which no process listens, for one that gets its port as a variable. A
// UDP socket with the same number claims the port while this process runs: of two processes that
// take ports in this way, one gets it.
func freePort() (int, error) {
	var refused error
	for range 1000 {
		port := firstPort + rand.IntN(ports)
		if refused = claim(port); refused == nil {
			return port, nil
		}
	}
	return 0, refused
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
	claims.Lock()
	defer claims.Unlock()
	claims.held = append(claims.held, held)
	return used.Close()
}

// claims keeps the claims reachable, because the garbage collector closes an unreachable socket.
var claims struct {
	sync.Mutex
	held []*net.UDPConn
}
