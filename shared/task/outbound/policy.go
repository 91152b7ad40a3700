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
		return blocked(hostport, addr, "it is not in the allow list")
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

// blocked names the host only: the address that a name of the inside resolves to is nobody's business.
func blocked(hostport string, addr netip.Addr, why string) error {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil || host == "" {
		host = addr.String()
	}
	return &BlockedError{Host: host, Why: why}
}
