package acs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/httpclient"
)

// sent records the last request of a server, and responds to it.
type sent struct {
	status   int
	header   http.Header
	response string
	got      *http.Request
	body     string
}

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	s.got, s.body = r, string(body)
	if s.status == 0 {
		s.status = 200
	}
	return &http.Response{StatusCode: s.status, Header: s.header,
		Body: io.NopCloser(strings.NewReader(s.response))}, nil
}

func client(s *sent, k alibaba.Credentials) *acs.Client {
	return acs.NewClient(alibaba.Static(k), &http.Client{Transport: s})
}

var key = alibaba.Credentials{AccessKeyID: "AKID", AccessKeySecret: "SECRET"}

// TestVector: the signature equals that of Alibaba Cloud's own library.
func TestVector(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		ID, Secret, Method, Path, Query, Body, Host, Authorization, Nonce string
		Time                                                              time.Time
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	s := &sent{response: "x"}
	c := client(s, alibaba.Credentials{AccessKeyID: v.ID, AccessKeySecret: v.Secret})
	acs.Fix(c, v.Time, v.Nonce)
	query, _ := url.ParseQuery(v.Query)
	a, err := c.Do(t.Context(), &acs.Request{Endpoint: "https://" + v.Host, Method: v.Method,
		Path: v.Path, Query: query, Action: "InvokeFunction",
		Version: "2023-03-30", ContentType: "application/octet-stream", Body: []byte(v.Body),
		Header: http.Header{"x-fc-log-type": {"None"}}})
	if err != nil || string(a.Body) != "x" {
		t.Fatal(a, err)
	}
	if got := s.got.Header.Get("Authorization"); got != v.Authorization {
		t.Errorf("%s\nwant\n%s", got, v.Authorization)
	}
	if s.body != v.Body || s.got.Header.Get("X-Fc-Log-Type") != "None" {
		t.Errorf("%q %v", s.body, s.got.Header)
	}
}

// TestOrderOfParameters: parameters are signed in the order of their names. If a list has more than
// nine elements, that differs from the order of "name=value". The expected signature is that of
// Alibaba Cloud's own library, for a path with a parameter.
func TestOrderOfParameters(t *testing.T) {
	s := &sent{}
	c := client(s, alibaba.Credentials{
		AccessKeyID: "AKID", AccessKeySecret: "SECRET", SecurityToken: "token",
	})
	acs.Fix(c, time.Date(2025, 11, 22, 10, 0, 0, 0, time.UTC), "0123456789abcdef0123456789abcdef")
	q := url.Values{"Id": {""}}
	for i := 1; i <= 11; i++ {
		q.Set(fmt.Sprint("Id.", i), fmt.Sprintf("v %d*~+", i))
	}
	if _, err := c.Do(t.Context(), &acs.Request{Endpoint: "https://cs.cn-hangzhou.aliyuncs.com",
		Method: "GET", Path: "/clusters/c-1%2B/nodes", Query: q,
		Action: "DescribeClusterNodes", Version: "2015-12-15"}); err != nil {
		t.Fatal(err)
	}
	const want = "ACS3-HMAC-SHA256 Credential=AKID,SignedHeaders=host;x-acs-accesskey-id;" +
		"x-acs-action;x-acs-content-sha256;x-acs-date;" +
		"x-acs-security-token;x-acs-signature-nonce;x-acs-version," +
		"Signature=0401c36652593349fba3ed278fbbf65e6a2f8f12643a52cd4242930a71ab1e1f"
	if got := s.got.Header.Get("Authorization"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestRotatedWhileCalling: if the service rejects an expired token, the call is repeated once if
// there are other credentials by then.
func TestRotatedWhileCalling(t *testing.T) {
	now := alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b", SecurityToken: "old"}
	var tokens []string
	h := roundTrip(func(r *http.Request) (*http.Response, error) {
		token := r.Header.Get("X-Acs-Security-Token")
		tokens = append(tokens, token)
		if token == "new" {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
		}
		now.SecurityToken = map[string]string{"old": "newer", "newer": "new"}[token]
		return &http.Response{StatusCode: 403,
			Body: io.NopCloser(strings.NewReader(`{"Code":"InvalidSecurityToken.Expired",` +
				`"Message":"m"}`))}, nil
	})
	c := acs.NewClient(func(context.Context) (alibaba.Credentials, error) { return now, nil },
		&http.Client{Transport: h})
	do := func() error {
		_, err := c.Do(t.Context(), &acs.Request{
			Endpoint: "https://h", Method: "POST", Path: "/", Body: []byte("x"),
		})
		return err
	}
	if err := do(); acs.AsError(err) == nil || strings.Join(tokens, " ") != "old newer" {
		t.Errorf("%v after %v", err, tokens)
	}
	if err := do(); err != nil || strings.Join(tokens, " ") != "old newer new" {
		t.Errorf("%v after %v", err, tokens)
	}
	now.SecurityToken, tokens = "stuck", nil
	h2 := acs.NewClient(alibaba.Static(now), &http.Client{Transport: h})
	if _, err := h2.Do(t.Context(), &acs.Request{Endpoint: "https://h", Method: "POST",
		Path: "/"}); acs.AsError(err) == nil || len(tokens) != 1 {
		t.Errorf("%v after %v", err, tokens)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTokenIsSigned(t *testing.T) {
	s := &sent{}
	c := client(s, alibaba.Credentials{AccessKeyID: "a", AccessKeySecret: "b",
		SecurityToken: "tok"})
	for _, sha1 := range []bool{false, true} {
		if _, err := c.Do(t.Context(), &acs.Request{Endpoint: "http://h", Method: "POST",
			Path: "/p", Action: "A", Version: "v", SHA1: sha1}); err != nil {
			t.Fatal(err)
		}
		h := s.got.Header
		if h.Get("X-Acs-Security-Token") != "tok" || h.Get("X-Acs-Accesskey-Id") != "a" ||
			len(h.Get("X-Acs-Signature-Nonce")) != 32 {
			t.Errorf("%v", h)
		}
		if sha1 != strings.HasPrefix(h.Get("Authorization"), "acs:a:") ||
			!sha1 && !strings.Contains(h.Get("Authorization"), ";x-acs-security-token;") {
			t.Errorf("%s", h.Get("Authorization"))
		}
	}
}

// TestSHA1Signature: the expected signature was computed by hand from the text that EventBridge's
// own library signs.
func TestSHA1Signature(t *testing.T) {
	s := &sent{}
	c := client(s, key)
	acs.Fix(c, time.Date(2025, 11, 22, 10, 0, 0, 0, time.UTC), "n")
	if _, err := c.Do(t.Context(), &acs.Request{Endpoint: "https://h", Method: "POST",
		Path:        "/openapi/putEvents",
		ContentType: "application/cloudevents-batch+json; charset=utf-8",
		Body:        []byte("[]"), SHA1: true}); err != nil {
		t.Fatal(err)
	}
	const text = "POST\n\napplication/cloudevents-batch+json; charset=utf-8\nSat, 22 Nov 2025 " +
		"10:00:00 GMT\nx-acs-signature-method:HMAC-SHA1\nx-acs-signature-nonce:n\n" +
		"x-acs-signature-version:1.0\n/openapi/putEvents"
	if want := "acs:AKID:" + sha1Of("SECRET", text); s.got.Header.Get("Authorization") != want {
		t.Errorf("%s, want %s", s.got.Header.Get("Authorization"), want)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		status                  int
		body, code, message, id string
	}{
		{
			404, `{"Code":"FunctionNotFound","Message":"no","RequestId":"r"}`, "FunctionNotFound",
			"no", "r",
		},
		{
			400, `{"errorCode":"InvalidArgument","errorMessage":"bad"}`, "InvalidArgument", "bad",
			"h",
		},
		{400, `{"ErrorCode":"X","ErrorMessage":"bad"}`, "X", "bad", "h"},
		{409, `{"code":"Exists","message":"m","requestId":"q"}`, "Exists", "m", "q"},
		{500, `<html>`, "", "status 500: <html>", "h"},
		{502, "", "", "status 502", "h"},
		{403, `{"Code":7,"Message":{}}`, "", "status 403", "h"},
		{302, ``, "", "status 302", "h"},
	}
	for _, test := range tests {
		s := &sent{
			status: test.status, response: test.body,
			header: http.Header{"X-Acs-Request-Id": {"h"}, "Location": {"http://elsewhere"}},
		}
		_, err := client(s, key).Do(t.Context(), &acs.Request{
			Endpoint: "http://h", Method: "POST", Path: "/",
		})
		e := acs.AsError(err)
		if e == nil || e.Status != test.status || e.Code != test.code ||
			!strings.Contains(e.Message, test.message) || e.RequestID != test.id ||
			e.Error() == "" {
			t.Errorf("%d %s: %v", test.status, test.body, err)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	defer slow.Close()
	c := acs.NewClient(alibaba.Static(key), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, &acs.Request{Endpoint: slow.URL, Method: "POST",
		Path: "/"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range httpclient.MaxResponseDefault/1024 + 1 {
			w.Write(make([]byte, 1024))
		}
	}))
	defer large.Close()
	if _, err := c.Do(t.Context(), &acs.Request{Endpoint: large.URL, Method: "POST",
		Path: "/"}); !errors.Is(err, httpclient.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := c.Do(t.Context(), &acs.Request{Endpoint: "http://127.0.0.1:1", Method: "POST",
		Path: "/"}); err == nil || errors.Is(err, acs.ErrUnsent) ||
		strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
	for _, c := range []*acs.Client{
		client(&sent{}, alibaba.Credentials{}), client(&sent{},
			alibaba.Credentials{AccessKeyID: "a"}),
	} {
		if _, err := c.Do(t.Context(), &acs.Request{Endpoint: "http://h", Method: "POST",
			Path: "/"}); !errors.Is(err, alibaba.ErrNoCredentials) || !errors.Is(err,
			acs.ErrUnsent) {
			t.Errorf("%v", err)
		}
	}
	if _, err := client(&sent{}, key).Do(t.Context(),
		&acs.Request{Endpoint: "http://h\x7f", Method: "POST", Path: "/"}); !errors.Is(err,
		acs.ErrUnsent) {
		t.Errorf("%v", err)
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"a b+c*~/é$": "a%20b%2Bc%2A~%2F%C3%A9%24", "": "", "A-Z_0.9": "A-Z_0.9",
	} {
		if got := acs.Escape(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a b")
	f.Add("\xff%41")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := url.QueryUnescape(acs.Escape(s))
		if err != nil || got != s {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	})
}
