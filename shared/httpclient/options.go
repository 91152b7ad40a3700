// Package httpclient makes the HTTP clients through which flows, functions and actions call out. A
// client checks the address of each connection, after the name has been resolved and before the
// first byte is sent, also for every redirect. It never calls metadata services, link-local
// addresses and the listeners of this process (Listen), and calls loopback and private networks
// only if the options allow it. It ignores proxy variables, keeps no cookies, and limits what it
// reads.
package httpclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Limits of a client.
const (
	MaxResponseDefault = 1<<20 + ResponseMargin // bytes of a body, if Options do not set it
	// ResponseMargin is how many bytes are read beyond the longest result of a task, mostly for
	// whitespace.
	ResponseMargin = 64 << 10
	RedirectsMax   = 10 // maximum number of redirects of one call

	maxResponseLimit = 1 << 40
	dialTimeout      = 10 * time.Second
)

// Options say what a client may call and how much it reads.
type Options struct {
	// AllowLoopback permits calls to this machine. It must stay off inside a function, because the
	// services that its platform runs beside it listen on loopback addresses.
	AllowLoopback bool
	// AllowPrivate permits calls to private networks.
	AllowPrivate bool
	// Allow, if not empty, forbids everything else: a destination must match one of the entries. An
	// entry is a glob on the host name of the address (`*.example.com`), a host with its port
	// (`api.example.com:8443`), an IP address, or a CIDR. An address or CIDR in the list does not
	// need AllowPrivate; loopback always needs AllowLoopback.
	Allow []string
	// MaxResponse is the maximum size of a response body in bytes, after decompression; 0 means
	// MaxResponseDefault, the maximum is 1 TB.
	MaxResponse int64
	// Resolver resolves names; nil means the system's resolver.
	Resolver *net.Resolver
}

// BlockedError means that an address must not be called.
type BlockedError struct {
	Host   string // the host, or the address that it resolved to
	Reason string
}

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("calls to %s are not allowed: %s", e.Host, e.Reason)
}

// ErrTooLarge is the error of reading a response body beyond Options.MaxResponse.
var ErrTooLarge = errors.New("the response is too large")

// policy is the compiled form of Options.
type policy struct {
	loopback, private bool
	hosts             []string // lower-case globs, some with a port
	nets              []netip.Prefix
}

func newPolicy(o Options) (*policy, error) {
	p := &policy{loopback: o.AllowLoopback, private: o.AllowPrivate}
	for _, entry := range o.Allow {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			return nil, errors.New("httpclient: an empty entry in the allow list")
		}
		if addr, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			addr = addr.Unmap()
			p.nets = append(p.nets, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		if strings.Contains(entry, "/") {
			prefix, err := netip.ParsePrefix(entry)
			if err != nil {
				return nil, fmt.Errorf(
					"httpclient: %q in the allow list is neither a host nor a CIDR", entry,
				)
			}
			p.nets = append(p.nets, prefix.Masked())
			continue
		}
		p.hosts = append(p.hosts, entry)
	}
	return p, nil
}
