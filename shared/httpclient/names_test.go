package httpclient_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"millrace/shared/httpclient"
)

// TestRebindingNameIsCheckedAtTheSocket uses a name server that returns a public address first and
// loopback afterwards.
func TestRebindingNameIsCheckedAtTheSocket(t *testing.T) {
	var reached atomic.Bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		reached.Store(true)
	}))
	defer inside.Close()
	var lookups atomic.Int64
	resolver := nameServer(t, func() netip.Addr {
		if lookups.Add(1) == 1 {
			return netip.MustParseAddr("8.8.8.8")
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	first, err := resolver.LookupNetIP(context.Background(), "ip4", "rebind.example.")
	if err != nil || first[0].Unmap() != netip.MustParseAddr("8.8.8.8") {
		t.Fatalf("the name server answered %v, %v", first, err)
	}
	c := newClient(t, httpclient.Options{AllowPrivate: true, Resolver: resolver})
	wantBlocked(t, c, "http://rebind.example.:"+mustURL(t, inside.URL).Port()+"/")
	if reached.Load() {
		t.Error("loopback was called")
	}
	open := newClient(t, httpclient.Options{AllowLoopback: true, Resolver: resolver})
	resp, err := open.Get("http://rebind.example.:" + mustURL(t, inside.URL).Port() + "/")
	if err != nil {
		t.Fatalf("the fake name server does not work: %v", err)
	}
	resp.Body.Close()
}

// TestNumbersThatAreNames: an address in a form that some resolvers accept and Go does not is
// resolved as a name, and the result is checked.
func TestNumbersThatAreNames(t *testing.T) {
	for _, of := range []string{"127.0.0.1", "169.254.169.254", "100.100.100.200"} {
		resolver := nameServer(t, func() netip.Addr { return netip.MustParseAddr(of) })
		c := newClient(t, httpclient.Options{
			AllowPrivate: true, AllowLoopback: of != "127.0.0.1", Resolver: resolver,
		})
		for _, host := range []string{
			"2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "127.1",
			"0251.0376.0251.0376", "metadata.google.internal", "127.0.0.1.nip.io",
		} {
			for _, prefix := range []string{"", "user@"} {
				resp, err := c.Get("http://" + prefix + host + ":9/")
				if err == nil {
					resp.Body.Close()
				}
				var blocked *httpclient.BlockedError
				var unknown *net.DNSError // some of them are no names either
				if !errors.As(err, &blocked) && !(errors.As(err, &unknown) && unknown.IsNotFound) {
					t.Errorf("%s as %s: %v", host, of, err)
				}
			}
		}
	}
}

// nameServer returns a resolver that resolves every name to the address that resolve returns, in
// IPv4 only.
func nameServer(t *testing.T, resolve func() netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			conn.WriteTo(dnsAnswer(buf[:n], resolve), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (
		net.Conn, error,
	) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// dnsAnswer answers one question: an A record for type A, no record for other types.
func dnsAnswer(query []byte, resolve func() netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	out := append([]byte(nil), query[:end+5]...)
	out[2], out[3] = 0x81, 0x80
	copy(out[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0})
	if kind != 1 {
		return out
	}
	out[7] = 1
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	address := resolve()
	if !address.IsValid() { // the name does not exist
		out[3], out[7] = 0x83, 0
		return out[:len(query[:end+5])]
	}
	ip := address.As4()
	return append(out, ip[:]...)
}

// TestNamesInsideCannotBeListed: a flow can neither distinguish a name that does not exist from one
// whose address is closed to it, nor learn which name server is used.
func TestNamesInsideCannotBeListed(t *testing.T) {
	texts := map[string]bool{}
	for _, of := range []string{"", "10.0.0.7", "127.0.0.1", "169.254.169.254", "192.0.2.1"} {
		resolver := nameServer(t, func() netip.Addr {
			address, _ := netip.ParseAddr(of)
			return address
		})
		resp, err := newClient(t,
			httpclient.Options{Resolver: resolver}).Get("http://db.inside.example:9/")
		if err == nil {
			resp.Body.Close()
			t.Fatal("a call went through")
		}
		texts[httpclient.Reason(err)] = true
	}
	if len(texts) != 1 {
		t.Errorf("the causes differ: %v", texts)
	}
	for text := range texts {
		if strings.Contains(text, "127.0.0.1") || !strings.Contains(text, "db.inside.example") {
			t.Error(text)
		}
	}
	broken := &net.Resolver{PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("connection to 10.255.255.53:53 refused")
		}}
	client := newClient(t, httpclient.Options{Resolver: broken})
	resp, err := client.Get("http://db.inside.example:9/")
	if err == nil {
		resp.Body.Close()
	}
	if text := httpclient.Reason(err); strings.Contains(text, "10.255") ||
		strings.Contains(text, ":53") {
		t.Error(text)
	}
}

// TestUnlistedNamesAreNotLookedUp: a name outside the allow list is not resolved, so that its error
// depends on the list alone.
func TestUnlistedNamesAreNotLookedUp(t *testing.T) {
	lookups := false
	resolver := nameServer(t, func() netip.Addr {
		lookups = true
		return netip.MustParseAddr("127.0.0.1")
	})
	c := newClient(t, httpclient.Options{
		AllowLoopback: true, Allow: []string{"api.example"}, Resolver: resolver,
	})
	_, err := c.Get("http://other.example:9/")
	if err == nil || !strings.Contains(httpclient.Reason(err), "not in the allow list") || lookups {
		t.Errorf("%v, looked up: %v", err, lookups)
	}
}
