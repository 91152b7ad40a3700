package httpclient

import (
	"net"
	"net/netip"
	"strings"

	"millrace/shared/glob"
)

// check returns an error unless a connection for hostport (as the URL named it) may go to the
// resolved address addr.
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

// lists reports whether the allow list contains the address.
func (p *policy) lists(addr netip.Addr) bool {
	for _, n := range p.nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// names reports whether the allow list contains the host. A trailing dot and the case of the name
// do not matter.
func (p *policy) names(hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range p.hosts {
		if glob.Match(pattern, host) ||
			strings.Contains(pattern, ":") && glob.Match(pattern, net.JoinHostPort(host, port)) {
			return true
		}
	}
	return false
}

// refusesName reports whether the allow list excludes the host whatever its address is. Such a name
// is not even resolved.
func (p *policy) refusesName(hostport string) bool {
	return len(p.hosts) > 0 && len(p.nets) == 0 && !p.names(hostport)
}

// notListed is the reason why a host or address outside the allow list is not called.
const notListed = "it is not in the allow list"

// noHost is the single reason for a name that does not exist and for one whose address is closed.
// If a flow could distinguish the two, it could list the names of the internal network.
const noHost = "there is no such host, or its address is closed (AllowLoopback, AllowPrivate, " +
	"Allow)"

// blocked returns a BlockedError that names the host only: a flow must not learn whether an
// internal name resolves, nor to which address.
func blocked(hostport string, addr netip.Addr, reason string) error {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil || host == "" {
		host = addr.String()
	}
	if _, err := netip.ParseAddr(host); err != nil && reason != ownReason {
		reason = noHost
	}
	return &BlockedError{Host: host, Reason: reason}
}
