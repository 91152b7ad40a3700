package httpclient

import "net/netip"

// class says which options an address needs before it may be called.
type class uint8

const (
	public   class = iota // no option needed
	private               // AllowPrivate: RFC 1918, carrier-grade NAT, unique local, benchmarks
	loopback              // AllowLoopback: this machine
	// forbidden addresses are never called: metadata services, link-local, multicast, reserved,
	// wrapped in a tunnel.
	forbidden
)

// ranges lists the special addresses; the first match counts. All others are public.
var ranges = []struct {
	prefix netip.Prefix
	class  class
}{
	// Metadata services: they hand out the credentials of the machine.
	{netip.MustParsePrefix("100.100.100.200/32"), forbidden}, // Alibaba Cloud
	{netip.MustParsePrefix("169.254.0.0/16"), forbidden},     // AWS and others; link-local
	{netip.MustParsePrefix("192.0.0.0/24"), forbidden},       // Oracle; IETF assignments
	// Azure: hands out the settings of extensions.
	{netip.MustParsePrefix("168.63.129.16/32"), forbidden},
	{netip.MustParsePrefix("fd00:ec2::/32"), forbidden},    // AWS over IPv6
	{netip.MustParsePrefix("fd20:ce::254/128"), forbidden}, // Google over IPv6

	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("::1/128"), loopback},

	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), private},
	{netip.MustParsePrefix("198.18.0.0/15"), private},
	{netip.MustParsePrefix("fc00::/7"), private},

	{netip.MustParsePrefix("0.0.0.0/8"), forbidden},
	// Documentation: not assigned, so a host that answers is internal.
	{netip.MustParsePrefix("192.0.2.0/24"), forbidden},
	{netip.MustParsePrefix("198.51.100.0/24"), forbidden},
	{netip.MustParsePrefix("203.0.113.0/24"), forbidden},
	{netip.MustParsePrefix("2001:db8::/32"), forbidden},
	{netip.MustParsePrefix("3fff::/20"), forbidden},
	{netip.MustParsePrefix("224.0.0.0/4"), forbidden},
	{netip.MustParsePrefix("240.0.0.0/4"), forbidden}, // reserved, and broadcast
	{netip.MustParsePrefix("::/128"), forbidden},
	{netip.MustParsePrefix("fe80::/10"), forbidden},
	{netip.MustParsePrefix("fec0::/10"), forbidden},
	{netip.MustParsePrefix("ff00::/8"), forbidden},
	// Local-use NAT64: the position of the IPv4 address is unknown.
	{netip.MustParsePrefix("64:ff9b:1::/48"), forbidden},
	{netip.MustParsePrefix("2001::/32"), forbidden}, // Teredo
	{netip.MustParsePrefix("100::/64"), forbidden},  // discard
}

// wrappers are the IPv6 ranges that contain an IPv4 address, and at which byte.
var wrappers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
}

// classify returns the class of an address. An IPv4 address inside an IPv6 address has its own
// class.
func classify(a netip.Addr) class {
	a = a.WithZone("").Unmap()
	for _, r := range ranges {
		if r.prefix.Contains(a) {
			return r.class
		}
	}
	if a.Is6() {
		for _, w := range wrappers {
			if w.prefix.Contains(a) {
				b := a.As16()
				return classify(netip.AddrFrom4([4]byte(b[w.at : w.at+4])))
			}
		}
	}
	return public
}
