package httpclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"millrace/shared/httpclient"
)

func newClient(t *testing.T, o httpclient.Options) *http.Client {
	t.Helper()
	c, err := httpclient.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// wantBlocked checks that the policy blocks a GET of rawURL.
func wantBlocked(t *testing.T, c *http.Client, rawURL string) {
	t.Helper()
	resp, err := c.Get(rawURL)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("GET %s answered %s, want it blocked", rawURL, resp.Status)
	}
	var blocked *httpclient.BlockedError
	if !errors.As(err, &blocked) {
		t.Fatalf("GET %s: %v, want a BlockedError", rawURL, err)
	}
}

func TestReservedAddressesAreNeverCalled(t *testing.T) {
	everything := httpclient.Options{AllowLoopback: true, AllowPrivate: true}
	listed := everything
	listed.Allow = []string{"*", "0.0.0.0/0", "::/0"}
	for _, c := range []*http.Client{newClient(t, everything), newClient(t, listed)} {
		for _, host := range []string{
			"100.100.100.200", "169.254.169.254", "169.254.170.2", "192.0.0.192", "[fd00:ec2::254]",
			"[fd20:ce::254]",
			"[::ffff:169.254.169.254]", "[::ffff:100.100.100.200]", "[64:ff9b::a9fe:a9fe]",
			"[64:ff9b::100.100.100.200]",
			"[64:ff9b:1::a9fe:a9fe]", "[::169.254.169.254]", "[::ffff:0:169.254.169.254]",
			"[2002:a9fe:a9fe::1]",
			"[2001::1]", "0.0.0.0", "[::]", "255.255.255.255", "224.0.0.1", "[fe80::1]",
			"[fe80::1%25lo]", "[ff02::1]",
			"168.63.129.16", "[::ffff:168.63.129.16]", "[64:ff9b::168.63.129.16]", "192.0.2.1",
			"198.51.100.7", "203.0.113.255",
			"[2001:db8::1]", "[2001:db8:ffff::1]", "[3fff::1]", "[2002:cb00:7101::]",
		} {
			wantBlocked(t, c, "http://"+host+":9/")
		}
	}
}

func TestLoopbackAndPrivateAreClosedUnlessOpened(t *testing.T) {
	c := newClient(t, httpclient.Options{})
	for _, host := range []string{
		"127.0.0.1", "127.8.9.10", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
		"[2002:7f00:1::]",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1",
		"[fd12::1]",
		"[64:ff9b::10.0.0.1]",
	} {
		wantBlocked(t, c, "http://"+host+":9/")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	wantBlocked(t, newClient(t, httpclient.Options{AllowPrivate: true}), server.URL)
	wantBlocked(t, newClient(t, httpclient.Options{Allow: []string{"127.0.0.0/8"}}), server.URL)
	resp, err := newClient(t, httpclient.Options{AllowLoopback: true}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestAllowListClosesTheRest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	port := mustURL(t, server.URL).Port()
	byName := "http://localhost:" + port
	tests := []struct {
		allow []string
		url   string
		ok    bool
	}{
		{[]string{"127.0.0.1"}, server.URL, true},
		{[]string{"127.0.0.0/8"}, server.URL, true},
		{[]string{"LOCAL*"}, byName, true},
		{[]string{"localhost:" + port}, byName, true},
		{[]string{"localhost:1"}, byName, false},
		{[]string{"*.example.com"}, byName, false},
		{[]string{"10.0.0.0/8", "example.com"}, server.URL, false},
	}
	for _, test := range tests {
		c := newClient(t, httpclient.Options{AllowLoopback: true, Allow: test.allow})
		if !test.ok {
			wantBlocked(t, c, test.url)
			continue
		}
		resp, err := c.Get(test.url)
		if err != nil {
			t.Errorf("%v: %v", test.allow, err)
			continue
		}
		resp.Body.Close()
	}
	for _, entry := range []string{"", "10.0.0.0/99", "host/path"} {
		if _, err := httpclient.New(httpclient.Options{Allow: []string{entry}}); err == nil {
			t.Errorf("the entry %q was accepted", entry)
		}
	}
}

func TestRedirectIsCheckedToo(t *testing.T) {
	var reached atomic.Bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		reached.Store(true)
	}))
	defer inside.Close()
	insidePort := mustURL(t, inside.URL).Port()
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost:"+insidePort+"/", http.StatusFound)
	}))
	defer outside.Close()
	// The first server represents one on the internet: only its own address is listed.
	c := newClient(t, httpclient.Options{
		AllowLoopback: true, Allow: []string{mustURL(t, outside.URL).Host},
	})
	wantBlocked(t, c, outside.URL)
	if reached.Load() {
		t.Error("the redirect was followed")
	}
	metadata := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/meta-data",
		http.StatusFound))
	defer metadata.Close()
	wantBlocked(t, newClient(t, httpclient.Options{AllowLoopback: true, AllowPrivate: true}),
		metadata.URL)
}

func TestRedirectsAreBoundedAndKeepSecrets(t *testing.T) {
	var count int
	seen := make(chan http.Header, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
	}))
	defer other.Close()
	server := httptest.NewServer(nil)
	defer server.Close()
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		count++
		switch {
		case r.URL.Path == "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case n > 0:
			http.Redirect(w, r, "/?n="+strconv.Itoa(n-1), http.StatusFound)
		}
	})
	c := newClient(t, httpclient.Options{AllowLoopback: true})
	resp, err := c.Get(server.URL + "/?n=10")
	if err != nil {
		t.Fatalf("10 redirects: %v", err)
	}
	resp.Body.Close()
	if _, err := c.Get(server.URL + "/?n=11"); err == nil ||
		!strings.Contains(err.Error(), "10 redirects") {
		t.Errorf("11 redirects: %v", err)
	}
	req, _ := http.NewRequest(http.MethodGet, server.URL+"/away?secret=1", nil)
	for _, name := range []string{
		"X-FnF-Http-Callback-Task-Token", "Authorization", "Cookie", "X-Api-Key", "Accept",
		"User-Agent", "Content-Type",
	} {
		req.Header.Set(name, "secret")
	}
	if resp, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if h := <-seen; len(h) != 2 || h.Get("User-Agent") != httpclient.UserAgent ||
		h.Get("Accept-Encoding") != "gzip" {
		t.Errorf("the other host got %v", h)
	}
	req, _ = http.NewRequest(http.MethodPost, server.URL+"/away", strings.NewReader("{}"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", "secret")
	if resp, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if h := <-seen; h.Get("Content-Type") != "application/json" || h.Get("X-Api-Key") != "" {
		t.Errorf("the other host got %v with the body", h)
	}
	resp, err = httpclient.WithoutRedirects(c).Get(server.URL + "/away")
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("without redirects: %v, %v", resp, err)
	}
	resp.Body.Close()
}

// TestWhereHeadersGo: headers stay with the host for which they were set, and follow a redirect of
// that host to TLS.
func TestWhereHeadersGo(t *testing.T) {
	c := newClient(t, httpclient.Options{})
	for _, test := range []struct {
		hops []string
		kept bool
	}{
		{[]string{"http://a/", "http://a/x"}, true},
		{[]string{"http://a/", "https://a/"}, true},
		{[]string{"http://a:80/", "https://a:443/"}, true},
		{[]string{"http://a:8080/", "https://a/"}, false},
		{[]string{"http://a/", "https://a:8443/"}, false},
		{[]string{"https://a/", "http://a/"}, false},
		{[]string{"http://a/", "http://a:81/"}, false},
		{[]string{"https://a/", "https://b.a/"}, false},
		{[]string{"https://a/", "https://b/", "https://a/"}, false},
	} {
		var via []*http.Request
		for _, hop := range test.hops {
			via = append(via, &http.Request{
				URL: mustURL(t, hop), Header: http.Header{"X-Api-Key": {"secret"}},
			})
		}
		last := via[len(via)-1]
		if err := c.CheckRedirect(last, via[:len(via)-1]); err != nil {
			t.Fatal(err)
		}
		if kept := last.Header.Get("X-Api-Key") != ""; kept != test.kept {
			t.Errorf("%v: kept %v", test.hops, kept)
		}
	}
}

func TestResponseIsBoundedAfterDecompression(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(make([]byte, 1<<20))
	z.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/zipped":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes())
		case "/long":
			w.Write(make([]byte, 1001))
		case "/chunked":
			w.(http.Flusher).Flush()
			w.Write(make([]byte, 1001))
		default:
			w.(http.Flusher).Flush()
			w.Write(make([]byte, 1000))
		}
	}))
	defer server.Close()
	c := newClient(t, httpclient.Options{AllowLoopback: true, MaxResponse: 1000})
	for _, path := range []string{"/zipped", "/long", "/chunked"} {
		resp, err := c.Get(server.URL + path)
		if err == nil {
			_, err = httpclient.ReadAll(resp)
		}
		if !errors.Is(err, httpclient.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", path, err)
		}
	}
	resp, err := c.Get(server.URL + "/exact")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := httpclient.ReadAll(resp); err != nil || len(body) != 1000 {
		t.Errorf("a body of the limit: %d bytes, %v", len(body), err)
	}
}

func TestProxyVariablesAndCookiesAreIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	cookies := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies <- r.Header.Get("Cookie")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	}))
	defer server.Close()
	c := newClient(t, httpclient.Options{AllowLoopback: true})
	for range 2 {
		resp, err := c.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if got := <-cookies; got != "" {
			t.Errorf("a cookie was kept: %s", got)
		}
	}
}

func TestReasonHidesTheAddress(t *testing.T) {
	c := newClient(t, httpclient.Options{})
	_, err := c.Get("http://localhost:9/?token=secret")
	if got := httpclient.Reason(err); strings.Contains(got, "secret") ||
		!strings.Contains(got, "localhost") {
		t.Errorf("Reason = %q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://example.invalid/?token=secret", nil)
	_, err = c.Do(req)
	if got := httpclient.Reason(err); strings.Contains(got, "secret") {
		t.Errorf("Reason = %q", got)
	}
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestHostHeaderWithAllow: one address may serve many hosts. If calls are limited to some, the Host
// header must not name another.
func TestHostHeaderWithAllow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host)
	}))
	defer server.Close()
	host := mustURL(t, server.URL).Host
	ask := func(c *http.Client, name string) (string, error) {
		req, _ := http.NewRequest(http.MethodPost, server.URL, strings.NewReader("{}"))
		req.Host = name
		resp, err := c.Do(req)
		if err != nil {
			return "", err
		}
		body, err := httpclient.ReadAll(resp)
		return string(body), err
	}
	listed := newClient(t, httpclient.Options{AllowLoopback: true, Allow: []string{host}})
	var blocked *httpclient.BlockedError
	if got, err := ask(listed, "internal-vhost.example"); !errors.As(err, &blocked) {
		t.Errorf("%q, %v", got, err)
	}
	for _, own := range []string{"", host} {
		if got, err := ask(listed, own); err != nil || got != host {
			t.Errorf("%q, %v", got, err)
		}
	}
	if got, err := ask(newClient(t, httpclient.Options{AllowLoopback: true}),
		"vhost.example"); err != nil || got != "vhost.example" {
		t.Errorf("%q, %v", got, err)
	}
}
