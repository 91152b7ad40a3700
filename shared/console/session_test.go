package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
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
	now := time.Now()
	s := serve(t, keys, "", func(c *local.Config) { c.Now = func() time.Time { return now } })
	s.signIn("owner", "secret-of-the-owner-1234")
	now = now.Add(12*time.Hour - time.Second)
	if got := s.get("flows"); got.status != http.StatusOK {
		t.Errorf("shortly before: %d", got.status)
	}
	now = now.Add(time.Second)
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
	if got := s.post("flows/pay/start", url.Values{"name": {"mine"}, "input": {"{}"}}); !strings.Contains(
		got.body, `role="alert"`) {
		t.Errorf("%+v", got)
	}
}

// TestGuessing: secrets cannot be tried fast.
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
	now = now.Add(time.Second)
	if got := s.signIn("owner", "secret-of-the-owner-1234"); got.status != http.StatusSeeOther {
		t.Errorf("later: %+v", got)
	}
}
