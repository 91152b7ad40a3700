package console_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/console"
	"millrace/shared/rpc/sign"
)

const keys = `accounts:
  - id: "1111111111111111"
    keys:
      - {id: owner, secret: secret-of-the-owner-1234}
      - id: viewer
        secret: secret-of-the-viewer-123
        policies:
          - Version: "1"
            Statement:
              - {Effect: Allow, Action: ["fnf:ListFlows", "fnf:DescribeFlow", "fnf:ListExecutions", "fnf:DescribeExecution"], Resource: "*"}
  - id: "2222222222222222"
    keys:
      - {id: other, secret: secret-of-the-other-1234}
`

func (s *server) signIn(id, secret string) answer {
	s.t.Helper()
	return s.post("sign-in", url.Values{"id": {id}, "secret": {secret}, "next": {"flows"}})
}

// TestSession: who has no valid session sees nothing, and a session is worth no more than its key.
func TestSession(t *testing.T) {
	s := serve(t, keys, "")
	fill(t, s.api("owner", "secret-of-the-owner-1234"))
	if got := s.get("flows/pay"); got.status != http.StatusSeeOther ||
		got.location != "./../sign-in?next=flows%2Fpay" || strings.Contains(got.body, "pay") {
		t.Errorf("without a session: %+v", got)
	}
	for _, c := range [][2]string{{"owner", "secret-of-the-other-1234"}, {"none", "x"}, {"", ""},
		{"owner", ""}} {
		if got := s.signIn(c[0], c[1]); got.status != http.StatusForbidden ||
			got.header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %+v", c, got)
		}
	}
	got := s.signIn("owner", "secret-of-the-owner-1234")
	cookie := got.header.Get("Set-Cookie")
	if got.location != "./flows" || !strings.Contains(cookie, "HttpOnly") ||
		!strings.Contains(cookie, "SameSite=Lax") || strings.Contains(cookie, "secret") {
		t.Errorf("%+v", got)
	}
	s.shows("flows", ">pay</a>", "Signed in with key owner")
	if got := s.post("sign-out", nil); got.location != "./" {
		t.Errorf("%+v", got)
	}
	if got := s.get("flows"); got.status != http.StatusSeeOther {
		t.Errorf("after signing out: %+v", got)
	}

	s.signIn("other", "secret-of-the-other-1234")
	if got := s.get("flows"); strings.Contains(got.body, "pay") {
		t.Error("another account sees the flow")
	}
	for _, path := range []string{"flows/pay", "flows/pay/executions/good"} {
		if got := s.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s for another account: %d", path, got.status)
		}
	}
}

// TestCookieOverTLS: a server that speaks TLS sets a cookie that a browser takes from this host over
// TLS alone, and knows no other.
func TestCookieOverTLS(t *testing.T) {
	s := serve(t, keys, "", func(c *local.Config) { c.Certificate = "cert.pem" })
	cookie := s.signIn("owner", "secret-of-the-owner-1234").header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-millrace=") || !strings.Contains(cookie, "; Secure") ||
		!strings.Contains(cookie, "; Path=/;") || strings.Contains(cookie, "Domain") {
		t.Fatalf("the cookie is %q", cookie)
	}
	session, _, _ := strings.Cut(strings.TrimPrefix(cookie, "__Host-millrace="), ";")
	s.browser.Jar = nil
	for name, status := range map[string]int{"__Host-millrace": http.StatusOK,
		"millrace": http.StatusSeeOther} {
		if got := s.get("flows", "Cookie", name+"="+session); got.status != status {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
}

// TestForgedSessions: a session that was changed is none.
func TestForgedSessions(t *testing.T) {
	s := serve(t, keys, "")
	s.signIn("viewer", "secret-of-the-viewer-123")
	u, _ := url.Parse(s.url)
	text := ""
	for _, c := range s.browser.Jar.Cookies(u) {
		text = c.Value
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("the session is %q", text)
	}
	s.browser.Jar = nil
	if got := s.get("flows", "Cookie", "millrace="+text); got.status != http.StatusOK {
		t.Fatalf("the session itself: %+v", got)
	}
	for name, forged := range map[string]string{
		"another key":  "b3duZXI." + parts[1] + "." + parts[2],
		"a later end":  parts[0] + "." + parts[1] + "0." + parts[2],
		"no signature": parts[0] + "." + parts[1] + ".",
		"cut":          text[:len(text)-2],
		"no end":       parts[0] + ".." + parts[2],
		"nothing":      "",
	} {
		if got := s.get("flows", "Cookie", "millrace="+forged); got.status != http.StatusSeeOther {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
}

// TestSessionEnds: a session ends after its time.
func TestSessionEnds(t *testing.T) {
	began, passed := time.Now(), atomic.Int64{}
	s := serve(t, keys, "", func(c *local.Config) {
		c.Now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
	})
	s.signIn("owner", "secret-of-the-owner-1234")
	passed.Store(int64(12*time.Hour - time.Second))
	if got := s.get("flows"); got.status != http.StatusOK {
		t.Errorf("shortly before: %d", got.status)
	}
	passed.Store(int64(12 * time.Hour))
	if got := s.get("flows"); got.status != http.StatusSeeOther {
		t.Errorf("after: %d", got.status)
	}
}

// TestRightsOfTheReader: a page shows and does what the reader's key may.
func TestRightsOfTheReader(t *testing.T) {
	s := serve(t, keys, "")
	api := s.api("owner", "secret-of-the-owner-1234")
	fill(t, api)
	s.signIn("viewer", "secret-of-the-viewer-123")
	got := s.shows("flows/pay/executions/poor", "may not read the history")
	if strings.Contains(got.body, "not enough money") {
		t.Error("the history is shown")
	}
	s.post("flows/ask/executions/open/stop", nil)
	awaitEvent(t, api, "ask", "open", "TaskSubmitted")
	x := s.get("flows/ask/executions/open")
	if !strings.Contains(x.body, "running") {
		t.Errorf("the viewer has stopped it: %s", x.body)
	}
	start := url.Values{"name": {"mine"}, "input": {"{}"}}
	if got := s.post("flows/pay/start", start); !strings.Contains(got.body, `role="alert"`) {
		t.Errorf("%+v", got)
	}
}

// TestGuessing: secrets cannot be tried fast, and that keeps nobody else from signing in.
func TestGuessing(t *testing.T) {
	now := time.Now()
	s := serve(t, keys, "", func(c *local.Config) { c.Now = func() time.Time { return now } })
	refused := 0
	for range 30 {
		if got := s.signIn("owner", "a guess"); got.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 20 {
		t.Errorf("%d of 30 attempts were refused", refused)
	}
	if got := s.signIn("owner", "secret-of-the-owner-1234"); got.status != http.StatusSeeOther {
		t.Errorf("the owner meanwhile: %+v", got)
	}
}

// TestLongSessions: nobody makes a session that lasts longer than one may.
func TestLongSessions(t *testing.T) {
	s := serve(t, keys, "")
	method, params := "CONSOLE", func(until int64) []sign.Param {
		return []sign.Param{{Name: "AccessKeyId", Value: "owner"},
			{Name: "Until", Value: strconv.FormatInt(until, 10)}}
	}
	for until, status := range map[int64]int{
		time.Now().Add(time.Hour).Unix():       http.StatusOK,
		time.Now().Add(240 * time.Hour).Unix(): http.StatusSeeOther, math.MaxInt64: http.StatusSeeOther} {
		signature := sign.NewKey("secret-of-the-owner-1234").V1(method, params(until))
		cookie := "millrace=" + base64.RawURLEncoding.EncodeToString([]byte("owner")) + "." +
			strconv.FormatInt(until, 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(signature))
		if got := s.get("flows", "Cookie", cookie); got.status != status {
			t.Errorf("until %d: status %d", until, got.status)
		}
	}
}

// TestBodiesOfStrangers: nothing that a stranger sends is waited for, nor read as another form than
// a page's.
func TestBodiesOfStrangers(t *testing.T) {
	s := serve(t, keys, "")
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for request, status := range map[string]string{
		"GET /console/sign-in": "400", "POST /console/save": "415", "POST /console/none": "415"} {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=x\r\n"+
			"Content-Length: 1000000\r\n\r\n--x\r\n", request, u.Host)
		answer, err := io.ReadAll(c) // the server closes the connection
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+status) {
			t.Errorf("%s: %.40q, %v", request, answer, err)
		}
	}
}

// slowWriter remembers the deadline of a connection.
type slowWriter struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (w *slowWriter) SetReadDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

// TestNoDeadlineForPages: once the form has arrived, a page may take its time: a synchronous
// execution takes minutes.
func TestNoDeadlineForPages(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := &slowWriter{ResponseRecorder: httptest.NewRecorder()}
		asked := false
		api := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if asked = true; !w.deadline.IsZero() {
				t.Errorf("%s: the page is made with the deadline %v", method, w.deadline)
			}
		})
		r := httptest.NewRequest(method, "/flows", nil)
		if method == http.MethodPost {
			r = httptest.NewRequest(method, "/flows/f/start", strings.NewReader("sync=1&input={}"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Host = "localhost"
		console.New(console.Options{Connect: console.InProcess(api, nil)}).ServeHTTP(w, r)
		if !asked {
			t.Errorf("%s: the API was not asked: %s", method, w.Body)
		}
	}
}
