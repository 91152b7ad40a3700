package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
)

func record(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const nonceUsed = "Specified signature nonce was used already."

func TestReplaysThatWouldUndoSomethingAreRefused(t *testing.T) {
	h := server.NewHandler(server.Options{API: &fakeAPI{},
		Credentials: credentials(t, "testsecret", ""), Now: fixed(noon)})
	for _, c := range []struct {
		operation string
		list      []string
		rejected  bool
	}{
		{"CreateFlow", []string{"Name", "f", "Definition", "d"}, true},
		{"UpdateFlow", []string{"Name", "f"}, true},
		{"DeleteFlow", []string{"Name", "f"}, true},
		{"StartSyncExecution", []string{"FlowName", "f"}, true},
		{"StartExecution", []string{"FlowName", "f"}, false},
		{"ListFlows", nil, false},
	} {
		list := signV1("POST", with(common(c.operation, c.list...), "SignatureNonce", c.operation))
		wantResponse(t, record(h, post(list)))
		if c.rejected {
			wantFault(t, record(h, post(list)), 400, "SignatureNonceUsed", nonceUsed)
		} else {
			wantResponse(t, record(h, post(list)))
		}
	}
	wantFault(t, record(h,
		v3("DeleteFlow", "Name=f", "", "", "x-acs-signature-nonce",
			"UpdateFlow")), 400, "SignatureNonceUsed", nonceUsed)
	wantFault(t, record(h, post(with(common("DeleteFlow", "Name", "f"), "Signature", "forged"))),
		403, "SignatureNotMatch", notMatch)
	// a forgery does not use up a nonce
	wantResponse(t, record(h, post(signV1("POST", common("DeleteFlow", "Name", "f")))))
}

func TestOtherSignatureMethodsAreRefused(t *testing.T) {
	o := server.Options{API: &fakeAPI{}, Credentials: credentials(t, "testsecret", ""),
		Now: fixed(noon)}
	for _, c := range []struct{ name, value, message string }{
		{"SignatureMethod", "HMAC-SHA1", ""},
		{"SignatureMethod", "", ""},
		{"SignatureMethod", "HMAC-MD5", "The parameter 'SignatureMethod' must be HMAC-SHA1."},
		{"SignatureMethod", "HMAC-SHA256", "The parameter 'SignatureMethod' must be HMAC-SHA1."},
		{"SignatureVersion", "1.0", ""},
		{"SignatureVersion", "", ""},
		{"SignatureVersion", "2.0", "The parameter 'SignatureVersion' must be 1.0."},
	} {
		w := serve(o, get(signV1("GET", with(common("ListFlows"), c.name, c.value))))
		if c.message == "" {
			wantResponse(t, w)
		} else {
			wantFault(t, w, 400, "InvalidArgument", c.message)
		}
	}
}

func TestEveryNonceIsCheckedWhenAsked(t *testing.T) {
	h := server.NewHandler(server.Options{API: &fakeAPI{},
		Credentials: credentials(t, "testsecret", ""), Now: fixed(noon), CheckNonces: true})
	wantResponse(t, record(h, get(signV1("GET", common("ListFlows")))))
	wantFault(t, record(h, get(signV1("GET", common("ListFlows")))), 400, "SignatureNonceUsed",
		nonceUsed)
}

func TestOpenServerAcceptsEveryCaller(t *testing.T) {
	api := &fakeAPI{}
	o := server.Options{API: api, CheckNonces: true, Account: "77", Region: "us-west-1"}
	for range 2 {
		wantResponse(t, serve(o,
			post(with(common("StartExecution", "FlowName", "f"), "AccessKeyId", "any", "Signature",
				"x", "Timestamp", "old"))))
		if w := api.caller; w.Account != "77" || w.Region != "us-west-1" || w.AccessKey != "" ||
			w.Nonce != "n1" || w.Timestamp != "old" || w.May != nil {
			t.Errorf("caller is %+v", w)
		}
	}
	wantResponse(t, serve(o, get(open("ListFlows", "SignatureNonce", "n"))))
	if api.caller.Nonce != "" {
		t.Errorf("an unsigned request has the nonce %q", api.caller.Nonce)
	}
}

func TestNonceSet(t *testing.T) {
	now := noon
	n := server.NewNonces(3, func() time.Time { return now })
	use := func(nonce string, until time.Time) string {
		ok, err := n.Use(context.Background(), nonce, until)
		switch {
		case err != nil:
			return "full"
		case ok:
			return "new"
		}
		return "used"
	}
	steps := []struct {
		after time.Duration
		nonce string
		valid time.Duration
		want  string
	}{
		{0, "a", 31 * time.Minute, "new"},
		{0, "a", 31 * time.Minute, "used"},
		{0, "b", time.Minute, "new"},
		{0, "c", 40 * time.Minute, "new"},
		{0, "d", time.Minute, "full"},
		{0, "a", 0, "used"},
		{2 * time.Minute, "d", 31 * time.Minute, "new"}, // b has expired
		{31 * time.Minute, "a", time.Minute, "used"},
		{32 * time.Minute, "a", time.Minute, "new"},
		{32 * time.Minute, "c", time.Minute, "used"},
	}
	for i, s := range steps {
		now = noon.Add(s.after)
		if got := use(s.nonce, now.Add(s.valid)); got != s.want {
			t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
}

func TestOneOfManyUsesANonce(t *testing.T) {
	n := server.NewNonces(100, time.Now)
	var first atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if ok, _ := n.Use(context.Background(), "x", time.Now().Add(time.Minute)); ok {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 {
		t.Errorf("%d were first", first.Load())
	}
}

func TestOtherHosts(t *testing.T) {
	api := &fakeAPI{}
	o := server.Options{API: api, Credentials: credentials(t, "testsecret", "")}
	rewritten := func() *http.Request {
		r := v3("DescribeRegions", "", "", "") // signed for localhost:8080
		r.Host = "10.0.0.1:9000"
		return r
	}
	wantFault(t, serve(o, rewritten()), 403, "SignatureNotMatch", notMatch)
	o.Hosts = []string{"flows.example.com", "localhost:8080"}
	wantResponse(t, serve(o, rewritten()))
	if api.caller.Host != "localhost:8080" {
		t.Errorf("host is %q", api.caller.Host)
	}
}

func TestThrottle(t *testing.T) {
	now := noon
	c, err := auth.New([]auth.Account{
		{ID: "1", Keys: []auth.AccessKey{{ID: "testid", Secret: "testsecret"}}},
		{ID: "2", Tokens: []auth.BearerToken{{Token: "b"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := server.NewHandler(server.Options{API: &fakeAPI{}, Credentials: c,
		Now: func() time.Time { return now },
		Rates: map[string]server.Rate{"ListFlows": {Bucket: 2, PerSecond: 1},
			"*": {Bucket: 1, PerSecond: 0.5}}})
	list := func() *http.Request { return get(signV1("GET", common("ListFlows"))) }
	regions := func() *http.Request { return get(signV1("GET", common("DescribeRegions"))) }
	throttled := func(r *http.Request) {
		t.Helper()
		wantFault(t, record(h, r), 429, "ResourceThrottled",
			"The request is throttled. Please try again later.")
	}
	wantResponse(t, record(h, list()))
	wantResponse(t, record(h, list()))
	throttled(list())
	wantResponse(t, record(h, regions()))
	throttled(regions())
	// another account
	wantResponse(t, record(h, get(append(open("ListFlows"), params("BearerToken", "b")...))))
	// the throttle comes before the formats
	throttled(get(signV1("GET", common("ListFlows", "Limit", "x"))))
	now = noon.Add(time.Second)
	wantResponse(t, record(h, list()))
	throttled(list())
	throttled(regions())
	now = noon.Add(2 * time.Second)
	wantResponse(t, record(h, regions()))
	now = noon.Add(time.Hour)
	for range 2 {
		wantResponse(t, record(h,
			get(signV1("GET", with(common("ListFlows"), "Timestamp", now.Format(time.RFC3339))))))
	}
	throttled(get(signV1("GET", with(common("ListFlows"), "Timestamp", now.Format(time.RFC3339)))))
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	h := server.NewHandler(server.Options{API: &fakeAPI{},
		AccessLog: slog.New(slog.NewTextHandler(&log, nil))})
	record(h,
		post(open("ReportTaskSucceeded", "TaskToken", "secrettoken", "Output", "{}", "RequestId",
			"r1")))
	record(h, get(open("Secretoperation", "RequestId", "r2")))
	for _, want := range []string{"operation=ReportTaskSucceeded status=200",
		"requestId=r1", `operation="" status=400`, "requestId=r2"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %q", want, log.String())
		}
	}
	if strings.Contains(strings.ToLower(log.String()), "secret") {
		t.Errorf("log is %q", log.String())
	}
}
