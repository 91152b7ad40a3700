package outbound

import (
	"net"
	"net/netip"
	"sync"
)

// ownListeners holds the listeners of this process, with how many there are at each address.
var ownListeners = struct {
	sync.RWMutex
	at map[netip.AddrPort]int
}{at: map[netip.AddrPort]int{}}

// Listen listens as net.Listen does. Until the listener is closed no client of this package
// connects to it, whatever its options allow and by whatever address or name: what a process serves
// for its platform, for its functions and for callers that sign is not for its own flows. Of a
// network other than TCP it is net.Listen.
//
// A listener behind an address that is translated to this machine from outside cannot be
// recognised.
func Listen(network, address string) (net.Listener, error) {
	ownListeners.Lock() // a connection that comes before the listener is known is looked at when it is
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

// Reserve keeps the clients of this package from an address, host:port with a numeric host, for as
// long as the process runs, as if the process listened there: for what its platform serves it
// alone. Other texts change nothing.
func Reserve(hostport string) {
	at, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return
	}
	ownListeners.Lock()
	defer ownListeners.Unlock()
	ownListeners.at[netip.AddrPortFrom(at.Addr().WithZone("").Unmap(), at.Port())]++
}

// ownListener is a listener that is known as long as it is open.
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

// isOwn reports whether a listener of this process is at an address of this machine. here says that
// the address is known to be this machine's; without it only loopback addresses are.
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

// addrPort is a TCP address without its zone; false for others.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	to := tcp.AddrPort()
	return netip.AddrPortFrom(to.Addr().WithZone("").Unmap(), to.Port()), to.IsValid()
}
