package outbound

import (
	"net"
	"net/netip"
	"strings"

	"millrace/shared/glob"
)

// check tells whether a connection for hostport (as the URL named it) may go to the resolved address addr.
func (p *policy) check(hostport string, addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	listed := p.lists(addr)
	switch kind := classify(addr); {
	case kind == forbidden:
		return blocked(hostport, addr, "the address is reserved")
	case kind == loopback && !p.loopback:
		return blocked(hostport, addr, "loopback addresses are closed")
	case kind == private && !p.private && !listed:
		return blocked(hostport, addr, "private addresses are closed")
	}
	if len(p.hosts)+len(p.nets) > 0 && !listed && !p.names(hostport) {
		return blocked(hostport, addr, notListed)
	}
	return nil
}

// lists tells whether the allow list has the address.
func (p *policy) lists(addr netip.Addr) bool {
	for _, n := range p.nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// names tells whether the allow list has the host. A trailing dot and the case of the name do not count.
func (p *policy) names(hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range p.hosts {
		if glob.Match(pattern, host) || strings.Contains(pattern, ":") && glob.Match(pattern, net.JoinHostPort(host, port)) {
			return true
		}
	}
	return false
}

// refusesName reports whether the allow list shuts out the host whatever its address is. Such a
// name is not even looked up.
func (p *policy) refusesName(hostport string) bool {
	return len(p.hosts) > 0 && len(p.nets) == 0 && !p.names(hostport)
}

// notListed is the reason for which a host or address is not called where there is an allow list.
const notListed = "it is not in the allow list"

// noHost is the one reason for a name that does not exist and for one whose address is closed: a
// flow that could tell them apart could list the names of the network inside.
const noHost = "there is no such host, or its address is closed (AllowLoopback, AllowPrivate, Allow)"

// blocked names the host only: a flow must not learn whether a name of the network inside resolves,
// nor to which address.
func blocked(hostport string, addr netip.Addr, why string) error {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil || host == "" {
		host = addr.String()
	}
	if _, err := netip.ParseAddr(host); err != nil && why != ownReason {
		why = noHost
	}
	return &BlockedError{Host: host, Reason: why}
}
