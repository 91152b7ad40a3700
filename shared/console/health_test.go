package console_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/console"
	"millrace/shared/inflight"
)

// TestLastHour: Home shows what was started and how it ended, from counters, and the server's health
// to a reader who shares it with nobody.
func TestLastHour(t *testing.T) {
	s := serve(t, "", "")
	fill(t, s.api("", ""))
	s.shows("", "The last hour", "3 started, 1 ended without success", `class="chart columns"`,
		"takes writes", "hints in the queue", "in time")
}

// TestLastHourOfOthers: a reader sees the figures of the own account alone, nothing of the server
// that others share, and no figures at all with a key that policies bound.
func TestLastHourOfOthers(t *testing.T) {
	s := serve(t, keys, "")
	fill(t, s.api("owner", "secret-of-the-owner-1234"))
	for key, secret := range map[string]string{"owner": "secret-of-the-owner-1234",
		"other": "secret-of-the-other-1234", "viewer": "secret-of-the-viewer-123"} {
		s.signIn(key, secret)
		body := s.shows("").body
		want := map[string]string{"owner": "3 started, 1 ended", "other": "0 started, 0 ended",
			"viewer": ""}[key]
		if !strings.Contains(body, want) || strings.Contains(body, "takes writes") ||
			(want == "") == strings.Contains(body, "The last hour") {
			t.Errorf("%s sees %s", key, body)
		}
	}
}

// TestPagesAreBounded: a page for which there is no memory is refused, and one that was sent has
// given its bytes back.
func TestPagesAreBounded(t *testing.T) {
	long := `{"RequestId":"r","Flows":[],"NextToken":"` + strings.Repeat("x", 40000) + `"}`
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long) })
	for bytes, status := range map[int64]int{1 << 20: http.StatusOK,
		60000: http.StatusOK, 30000: http.StatusOK} {
		budget := inflight.New(bytes)
		c := console.New(console.Options{Connect: console.InProcess(api, budget), Bytes: budget})
		r := httptest.NewRequest(http.MethodGet, "/flows", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != status || budget.Held() != 0 {
			t.Errorf("%d bytes: status %d, held %d", bytes, w.Code, budget.Held())
		}
		if !budget.TryAcquire(bytes) {
			t.Fatal("not everything came back")
		}
		w = httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || budget.Held() != bytes {
			t.Errorf("no memory: status %d, held %d", w.Code, budget.Held())
		}
	}
}

// TestPagesAreCompressed: a browser that takes compressed pages gets them, any other does not.
func TestPagesAreCompressed(t *testing.T) {
	s := serve(t, "", "")
	fill(t, s.api("", ""))
	plain := s.get("flows/pay", "Accept-Encoding", "gzip;q=0")
	got := s.get("flows/pay", "Accept-Encoding", "br, gzip")
	if plain.header.Get("Content-Encoding") != "" || got.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v, %v", plain.header, got.header)
	}
	z, err := gzip.NewReader(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != plain.body || len(got.body) > len(plain.body)/2 {
		t.Errorf("%d bytes of %d, %v", len(got.body), len(plain.body), err)
	}
}
