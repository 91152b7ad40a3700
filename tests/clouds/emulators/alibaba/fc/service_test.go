package fc_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"millrace/tests/clouds/emulators/alibaba/fc"
)

// TestService: the invocation API accepts what the recorded signature covers, and nothing else.
func TestService(t *testing.T) {
	f := deploy(t, fc.Custom, func(f *fc.Function) { f.Name = "wf-runner" })
	s := &fc.Service{Keys: map[string]string{"AKID": "SECRET"}}
	s.Add(f)
	call := func(body string, change func(*http.Request)) (int, http.Header, string) {
		r, err := http.NewRequest("POST", "http://1234567890123456.cn-hangzhou.fc.aliyuncs.com"+
			"/2023-03-30/functions/wf-runner/invocations?qualifier=LATEST", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": "application/octet-stream",
			"x-acs-action": "InvokeFunction",
			"x-acs-content-sha256": "015abd7f5cc57a2dd94b7590f04ad808" +
				"4273905ee33ec5cebeae62276a97f862",
			"x-acs-date":            "2025-11-22T10:00:00Z",
			"x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
			"x-acs-version":         "2023-03-30",
			"Authorization": "ACS3-HMAC-SHA256 " +
				"Credential=AKID,SignedHeaders=content-type;host;x-acs-action;" +
				"x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
				"Signature=3091ba55e3e7603c640c120bd05167e7c22f8d23874e55b583871de7224135d2",
		} {
			r.Header.Set(name, value)
		}
		if change != nil {
			change(r)
		}
		w := &answer{header: http.Header{}}
		s.ServeHTTP(w, r)
		return w.status, w.header, w.body.String()
	}
	if status, header, body := call(`{"a":1}`, nil); status != 200 || body != "" ||
		header.Get("x-fc-error-type") != "" {
		t.Errorf("sync: %d %v %s", status, header, body)
	}
	async := func(r *http.Request) {
		r.Header.Set("x-fc-invocation-type", "Async")
		r.Header.Set("x-fc-async-task-id", "t1")
	}
	if status, header, body := call(`{"a":1}`, async); status != 202 ||
		header.Get("x-fc-async-task-id") != "t1" {
		t.Errorf("async: %d %v %s", status, header, body)
	}
	for what, c := range map[string]struct {
		body   string
		status int
		change func(*http.Request)
	}{
		"the same task": {`{"a":1}`, 409, async},
		"another body":  {`{"a":2}`, 403, nil},
		"another header": {`{"a":1}`, 403,
			func(r *http.Request) { r.Header.Set("x-acs-date", "2025-11-22T10:00:01Z") }},
		"another query": {`{"a":1}`, 403, func(r *http.Request) { r.URL.RawQuery = "qualifier=1" }},
		"a token": {`{"a":1}`, 403,
			func(r *http.Request) { r.Header.Set("x-acs-security-token", "x") }},
		"no signature": {`{"a":1}`, 403, func(r *http.Request) { r.Header.Del("Authorization") }},
		"a wrong path": {`{"a":1}`, 404,
			func(r *http.Request) { r.URL.Path = "/2023-03-30/functions" }},
		"throttled": {`{"a":1}`, 429,
			func(*http.Request) { s.Failing = func(string) bool { return true } }},
	} {
		if status, _, body := call(c.body, c.change); status != c.status {
			t.Errorf("%s: %d %s", what, status, body)
		}
		s.Failing = nil
	}
}

// answer records what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answer) Header() http.Header { return w.header }
func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(200)
	return w.body.Write(p)
}
