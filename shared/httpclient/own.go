package httpclient

import (
	"net"
	"net/netip"
	"sync"
)

// ownListeners counts the listeners of this process by address.
var ownListeners = struct {
	sync.RWMutex
	at map[netip.AddrPort]int
}{at: map[netip.AddrPort]int{}}

// Listen listens as net.Listen does. Until the listener is closed, no client of this package
// connects to it, whatever its options allow and by whatever address or name: flows must not reach
// what a process serves for its platform, for its functions and for callers that sign requests. For
// a network other than TCP it only calls net.Listen.
//
// If an address is translated to this machine outside of it (NAT), the listener behind it cannot be
// recognised.
func Listen(network, address string) (net.Listener, error) {
	// Held over net.Listen: a check of a connection that comes earlier waits until the listener is
	// registered.
	ownListeners.Lock()
	defer ownListeners.Unlock()
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	at, ok := addrPort(l.Addr())
	if !ok {
		return l, nil
	}
	ownListeners.at[at]++
	return &ownListener{Listener: l, at: at}, nil
}

// Reserve prevents the clients of this package from calling an address, host:port with a numeric
// host, as if the process listened there, for as long as the process runs. It is meant for what the
// platform serves to this process only. It ignores any other text.
func Reserve(hostport string) {
	at, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return
	}
	ownListeners.Lock()
	defer ownListeners.Unlock()
	ownListeners.at[netip.AddrPortFrom(at.Addr().WithZone("").Unmap(), at.Port())]++
}

// ownListener is a listener that stays registered while it is open.
type ownListener struct {
	net.Listener
	at   netip.AddrPort
	once sync.Once
}

func (l *ownListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() {
		ownListeners.Lock()
		defer ownListeners.Unlock()
		if ownListeners.at[l.at]--; ownListeners.at[l.at] == 0 {
			delete(ownListeners.at, l.at)
		}
	})
	return err
}

// isOwn reports whether a listener of this process is at the address to. here says that the address
// is known to belong to this machine; otherwise only loopback addresses count as this machine's.
func isOwn(to netip.AddrPort, here bool) bool {
	to = netip.AddrPortFrom(to.Addr().WithZone("").Unmap(), to.Port())
	ownListeners.RLock()
	defer ownListeners.RUnlock()
	if ownListeners.at[to] > 0 {
		return true
	}
	if !here && !to.Addr().IsLoopback() {
		return false
	}
	for _, all := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if ownListeners.at[netip.AddrPortFrom(all, to.Port())] > 0 {
			return true
		}
	}
	return false
}

// reachesOwn reports whether a connection leads to a listener of this process. A connection that
// stays on this machine has the same address at both ends, or a loopback address at one of them.
func reachesOwn(c net.Conn) bool {
	to, ok := addrPort(c.RemoteAddr())
	from, ok2 := addrPort(c.LocalAddr())
	return ok && ok2 && isOwn(to, to.Addr() == from.Addr() || from.Addr().IsLoopback())
}

// addrPort returns a TCP address without its zone. It returns false for other addresses.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	to := tcp.AddrPort()
	return netip.AddrPortFrom(to.Addr().WithZone("").Unmap(), to.Port()), to.IsValid()
}
