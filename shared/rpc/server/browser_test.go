package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/rpc/server"
)

// TestOpenServerAndWebPages checks that a server without credentials serves the users of this
// machine, but not the web pages in their browsers.
func TestOpenServerAndWebPages(t *testing.T) {
	open := server.NewHandler(server.Options{API: &fakeAPI{}, LoopbackOnly: true,
		Hosts: []string{"flows.example.com"}})
	for _, c := range []struct {
		host, header, value string
		ok                  bool
	}{
		{"127.0.0.1:8642", "", "", true},
		{"localhost:8642", "", "", true},
		{"[::1]:8642", "", "", true},
		{"127.9.9.9", "", "", true},
		{"flows.example.com", "", "", true},
		{"rebind.evil.example:8642", "", "", false},
		{"127.0.0.1.evil.example", "", "", false},
		{"10.0.0.5:8642", "", "", false},
		{"127.0.0.1:8642", "Sec-Fetch-Site", "cross-site", false},
		{"127.0.0.1:8642", "Sec-Fetch-Site", "same-site", false},
		{"127.0.0.1:8642", "Sec-Fetch-Site", "none", true},
		{"127.0.0.1:8642", "Sec-Fetch-Site", "same-origin", true},
		{"127.0.0.1:8642", "Origin", "https://evil.example", false},
		{"127.0.0.1:8642", "Origin", "null", false},
		{"127.0.0.1:8642", "Origin", "http://127.0.0.1:1", false},
		{"127.0.0.1:8642", "Origin", "http://127.0.0.1:8642", true},
		{"127.0.0.1:8642", "Referer", "https://evil.example/page", false},
		{"127.0.0.1:8642", "Referer", "http://127.0.0.1:1/page", false},
		{"127.0.0.1:8642", "Referer", "about:client", false},
		{"127.0.0.1:8642", "Referer", "http://127.0.0.1:8642/console", true},
	} {
		r := httptest.NewRequest("GET", "/?Action=ListFlows&Version=2019-03-15", nil)
		r.Host = c.host
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		open.ServeHTTP(w, r)
		rejected := w.Code == 403 && strings.Contains(w.Body.String(), `"Code":"AccessDenied"`)
		if c.ok == rejected || !c.ok && !rejected {
			t.Errorf("Host %s, %s: %s: %d %s", c.host, c.header, c.value, w.Code, w.Body)
		}
	}
}
