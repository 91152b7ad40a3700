package httpclient_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"millrace/shared/httpclient"
)

// serveOwn serves on a listener of the process until the test ends.
func serveOwn(t *testing.T, address string) (port string, l net.Listener) {
	t.Helper()
	l, err := httpclient.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "the runtime API")
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, l
}

// hostsOfThisMachine returns the addresses of this machine, in several spellings.
func hostsOfThisMachine(t *testing.T) []string {
	t.Helper()
	hosts := []string{
		"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "localhost.", "[::ffff:127.0.0.1]",
		"[::1]",
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		host := n.IP.String()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// TestOwnListenersAreNeverCalled: whatever the options allow, and however the address is written,
// flows do not reach what this process serves.
func TestOwnListenersAreNeverCalled(t *testing.T) {
	open := httpclient.Options{AllowLoopback: true, AllowPrivate: true}
	listed := open
	listed.Allow = []string{"*", "0.0.0.0/0", "::/0"}
	one, _ := serveOwn(t, "127.0.0.1:0")
	every, _ := serveOwn(t, "0.0.0.0:0")
	all, _ := serveOwn(t, ":0")
	for name, c := range map[string]*http.Client{
		"open": newClient(t, open), "listed": newClient(t, listed),
		"inside": httpclient.OrInternal(nil),
	} {
		for _, url := range []string{
			"http://127.0.0.1:" + one, "http://localhost:" + one,
			"http://[::ffff:127.0.0.1]:" + one,
		} {
			wantBlocked(t, c, url+"/2018-06-01/runtime/invocation/next")
		}
		for _, port := range []string{every, all} {
			for _, host := range hostsOfThisMachine(t) {
				resp, err := c.Get("http://" + host + ":" + port + "/invoke")
				if err == nil {
					resp.Body.Close()
					t.Errorf("%s: GET %s:%s answered %s", name, host, port, resp.Status)
				}
			}
		}
		if _, err := post(t.Context(), c, "http://127.0.0.1:"+one); err == nil {
			t.Errorf("%s: a plain exchange reaches the listener", name)
		}
	}
}

// TestNoRedirectToOwnListeners: a redirect does not lead there either.
func TestNoRedirectToOwnListeners(t *testing.T) {
	port, _ := serveOwn(t, "127.0.0.1:0")
	url, _ := scripted(t,
		"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:"+port+
			"/\r\nContent-Length: 0\r\n\r\n")
	if got, err := post(t.Context(), newClient(t, httpclient.Options{AllowLoopback: true}),
		url); err == nil {
		t.Errorf("answered %s", got)
	}
}

// TestListenersThatAreClosed: a closed listener is unregistered, because another process may listen
// there. Other listeners are called as before.
func TestListenersThatAreClosed(t *testing.T) {
	l, err := httpclient.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	l.Close()
	other, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("the port is taken: ", err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}),
	}
	go server.Serve(other)
	defer server.Close()
	if _, err := post(t.Context(), newClient(t, httpclient.Options{AllowLoopback: true}), "http://"+
		address); err != nil {
		t.Error(err)
	}
}

// TestReservedByThePlatform: reserved addresses are blocked as well.
func TestReservedByThePlatform(t *testing.T) {
	url, connections := scripted(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	httpclient.Reserve(strings.TrimPrefix(url, "http://"))
	httpclient.Reserve("")
	httpclient.Reserve("no address")
	_, err := post(t.Context(), newClient(t, httpclient.Options{AllowLoopback: true}), url)
	var blocked *httpclient.BlockedError
	if !errors.As(err, &blocked) || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
}
