package functiontask

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/shared/task/outbound"
)

// listen opens the listener of a runtime API, at a random address of 127.0.0.0/8 where the system
// takes all of them for its own, as Linux and Windows do: one that cannot be found by trying ports.
// Elsewhere it is 127.0.0.1. In both cases the system chooses the port. It is a listener that flows
// and functions with an address never reach.
func listen() (net.Listener, error) {
	var b [3]byte
	rand.Read(b[:])                                                        // never fails
	random := netip.AddrFrom4([4]byte{127, b[0], b[1], 1 + b[2]%(1<<8-2)}) // neither .0 nor .255
	if l, err := outbound.Listen("tcp4", netip.AddrPortFrom(random, 0).String()); err == nil {
		return l, nil
	}
	return outbound.Listen("tcp4", "127.0.0.1:0")
}

// connectionsMax is how many connections a command's processes may have to its runtime API. A
// runtime has one or two.
const connectionsMax = 16

// peerListener hands on the connections of the worker's own processes and closes all others, before
// a byte of them is read.
type peerListener struct {
	net.Listener
	peers     *peers
	slots     chan struct{} // one for each open connection
	logRarely func(string)  // logs; at most once a second
}

// newPeerListener guards a listener for the process of a command and those that it starts.
func newPeerListener(l net.Listener, p *peers, log func(string)) *peerListener {
	places := make(chan struct{}, connectionsMax)
	return &peerListener{Listener: l, peers: p, slots: places, logRarely: atMostOncePerSecond(log)}
}

// Accept waits for a connection of the worker's processes.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err := l.peers.check(conn); err != nil {
			conn.Close()
			l.logRarely("refused a connection to the runtime API: " + err.Error())
			continue
		}
		select {
		case l.slots <- struct{}{}:
			return newSlotConn(conn, func() { <-l.slots }), nil
		default:
			conn.Close()
			l.logRarely("refused a connection to the runtime API: the function has " + strconv.Itoa(connectionsMax) +
				" open, the most it may have; close those that are not used")
		}
	}
}

// atMostOncePerSecond is log, but at most once a second: what others do must not fill the log.
func atMostOncePerSecond(log func(string)) func(string) {
	var mu sync.Mutex
	var last time.Time
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			log(line)
		}
	}
}

// rejectBrowsers refuses requests that a web page can make: one by a name that the page's author
// points here has another Host, and browsers add an Origin, a Referer or Sec-Fetch headers.
// Runtimes send none of them.
func rejectBrowsers(address string, next http.Handler, log func(string)) http.Handler {
	say := atMostOncePerSecond(log)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != address || isFromBrowser(r.Header) {
			say("refused a request to the runtime API that came from a web page, or by another name than " + address)
			rw.Header().Set("Connection", "close")
			reply(rw, http.StatusForbidden, "Forbidden")
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// isFromBrowser reports whether headers have one that only browsers send.
func isFromBrowser(h http.Header) bool {
	for name := range h {
		if name == "Origin" || name == "Referer" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}
