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

	"millrace/shared/httpclient"
)

// listen opens the listener of a runtime API. On systems that treat all of 127.0.0.0/8 as local,
// such as Linux and Windows, the address is random, so that it cannot be found by trying ports.
// Elsewhere it is 127.0.0.1. In both cases the system chooses the port. The listener is opened by
// package httpclient, which then never connects flows, or functions with an address, to it.
func listen() (net.Listener, error) {
	var b [3]byte
	rand.Read(b[:])                                                        // never fails
	random := netip.AddrFrom4([4]byte{127, b[0], b[1], 1 + b[2]%(1<<8-2)}) // neither .0 nor .255
	if l, err := httpclient.Listen("tcp4", netip.AddrPortFrom(random, 0).String()); err == nil {
		return l, nil
	}
	return httpclient.Listen("tcp4", "127.0.0.1:0")
}

// connectionsMax is the maximum number of connections that a command's processes may have to its
// runtime API. A runtime has one or two.
const connectionsMax = 16

// peerListener accepts the connections of the worker's own processes and closes all others before
// it reads a byte.
type peerListener struct {
	net.Listener
	peers     *peers
	slots     chan struct{} // one for each open connection
	logRarely func(string)  // logs, at most once a second
}

// newPeerListener guards a listener for the process of a command and the processes that it starts.
func newPeerListener(l net.Listener, p *peers, log func(string)) *peerListener {
	slots := make(chan struct{}, connectionsMax)
	return &peerListener{
		Listener: l, peers: p, slots: slots, logRarely: atMostOncePerSecond(log),
	}
}

// Accept waits for a connection from the worker's processes.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err := l.peers.check(conn); err != nil {
			conn.Close()
			l.logRarely("rejected a connection to the runtime API: " + err.Error())
			continue
		}
		select {
		case l.slots <- struct{}{}:
			return newSlotConn(conn, func() { <-l.slots }), nil
		default:
			conn.Close()
			l.logRarely("rejected a connection to the runtime API: the function has " +
				strconv.Itoa(connectionsMax) +
				" open, the most it may have; close those that are not used")
		}
	}
}

// atMostOncePerSecond returns log limited to one line a second, because other processes must not be
// able to fill the log.
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

// rejectBrowsers rejects requests that a web page can make. A host name that the page's author
// points to this address gives another Host header, and browsers add an Origin, a Referer or
// Sec-Fetch headers. Runtimes send none of them, but for Sec-Fetch-Mode: that is what the fetch of
// Node sends, alone, whereas browsers send Sec-Fetch-Site with it.
func rejectBrowsers(address string, next http.Handler, log func(string)) http.Handler {
	logRarely := atMostOncePerSecond(log)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != address || isFromBrowser(r.Header) {
			logRarely(
				"rejected a request to the runtime API that came from a web page, or by another " +
					"name than " + address,
			)
			rw.Header().Set("Connection", "close")
			reply(rw, http.StatusForbidden, "Forbidden")
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// isFromBrowser reports whether h has a header that only browsers send.
func isFromBrowser(h http.Header) bool {
	for name := range h {
		if name == "Origin" || name == "Referer" ||
			strings.HasPrefix(name, "Sec-Fetch-") && name != "Sec-Fetch-Mode" {
			return true
		}
	}
	return false
}
