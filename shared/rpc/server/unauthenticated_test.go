package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"millrace/shared/rpc/server"
)

// allocated returns how many bytes f allocates, in all goroutines.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// hostileJSON returns bodies of nearly 1 MiB that take many times that once decoded.
func hostileJSON() map[string]string {
	const bytesMax = 1_000_000
	bodies := map[string]string{}
	for name, unit := range map[string]string{"maps": `{"":0},`, "lists": `[],`, "numbers": `0,`,
		"deep maps": `{"":{"":0}},`, "texts": `"",`} {
		bodies[name] = `{"a":[` +
			strings.TrimSuffix(strings.Repeat(unit, bytesMax/len(unit)), ",") + `]}`
	}
	var keys strings.Builder
	for i := 0; keys.Len() < bytesMax; i++ {
		fmt.Fprintf(&keys, `"%x":0,`, i)
	}
	bodies["keys"] = "{" + strings.TrimSuffix(keys.String(), ",") + "}"
	return bodies
}

// TestNothingIsDecodedBeforeAuthentication checks that a request without valid credentials costs no
// more than copies of its bytes. An open server has no unauthenticated callers, but it must bound
// what one body may take too.
func TestNothingIsDecodedBeforeAuthentication(t *testing.T) {
	const memoryMax = 6 << 20 // the body, its copies in this test and in a growing buffer
	forged := func(body string) *http.Request {
		return withHeader(v3("StartExecution", "", body, "", "content-type", "application/json"),
			"x-acs-signature-nonce", "another")
	}
	for name, body := range hostileJSON() {
		for how, c := range map[string]struct {
			request func() *http.Request
			open    bool
		}{
			"nothing": {request: func() *http.Request {
				return raw("POST", "/", "application/json", body)
			}},
			"V1": {request: func() *http.Request {
				return raw("POST", "/?Action=ListFlows&Version=2019-03-15&AccessKeyId=testid",
					"application/json", body)
			}},
			"bearer, V1": {request: func() *http.Request {
				return raw("POST", "/?Action=ListFlows&Version=2019-03-15&BearerToken=wrong",
					"application/json", body)
			}},
			"forged V3": {request: func() *http.Request { return forged(body) }},
			"V3 of nobody": {request: func() *http.Request {
				return withHeader(forged(body), "Authorization",
					"ACS3-HMAC-SHA256 Credential=x,SignedHeaders=host,Signature=ab")
			}},
			"bearer": {request: func() *http.Request {
				return withHeader(raw("POST", "/", "application/json", body), "x-acs-action",
					"ListFlows", "x-acs-version", "2019-03-15", "x-acs-bearer-token", "wrong")
			}},
			"open server": {request: func() *http.Request {
				return raw("POST", "/?Action=ListFlows&Version=2019-03-15",
					"application/json", body)
			}, open: true},
		} {
			o := server.Options{API: &fakeAPI{}, Now: fixed(noon),
				Credentials: credentials(t, "testsecret", "")}
			limit := uint64(memoryMax)
			if c.open {
				o.Credentials, limit = nil, 32<<20
			}
			h := server.NewHandler(o)
			r := c.request()
			var w *httptest.ResponseRecorder
			if got := allocated(func() { w = record(h, r) }); got > limit {
				t.Errorf("%s, %s: a body of %d bytes made the server allocate %d",
					name, how, len(body), got)
			}
			if w.Code == 200 {
				t.Errorf("%s, %s: %s", name, how, w.Body)
			}
		}
	}
}

// TestAnonymousOperation: DescribeRegions needs no credentials (docs/api.md#describeregions), in
// either style. Wrong ones, a longer request and any other operation are rejected as before, and
// the requests of all strangers share one rate.
func TestAnonymousOperation(t *testing.T) {
	headers := func(operation, body string) *http.Request {
		return withHeader(raw("POST", "/", "application/json", body), "x-acs-action", operation,
			"x-acs-version", "2019-03-15")
	}
	padded := func(n int) *http.Request {
		return post(open("DescribeRegions", "AcceptLanguage", strings.Repeat("x", n)))
	}
	served := map[string]*http.Request{
		"query": get(open("DescribeRegions")), "form": padded(900),
		"headers":                  headers("DescribeRegions", ""),
		"a body that is not read":  headers("DescribeRegions", "{"),
		"in the language of a key": get(open("DescribeRegions", "AcceptLanguage", "zh-CN")),
	}
	for name, r := range served {
		api := &fakeAPI{}
		o := server.Options{API: api, Now: fixed(noon),
			Credentials: credentials(t, "testsecret", "")}
		if w := record(server.NewHandler(o), r); w.Code != 200 || api.caller.Account != "" ||
			api.caller.May != nil {
			t.Errorf("%s: %d %s, %+v", name, w.Code, w.Body, api.caller)
		}
	}
	h := server.NewHandler(server.Options{API: &fakeAPI{}, Now: fixed(noon),
		Credentials: credentials(t, "testsecret", ""),
		Rates:       map[string]server.Rate{"*": {Bucket: 2, PerSecond: 1}}})
	for name, c := range map[string]struct {
		r    *http.Request
		code string
	}{
		"another operation":       {get(open("ListFlows")), "MissingRequiredParams"},
		"another, in headers":     {headers("ListFlows", ""), "MissingRequiredParams"},
		"a longer form":           {padded(1100), "MissingRequiredParams"},
		"a longer body":           {headers("DescribeRegions", strings.Repeat(" ", 1100)), "MissingRequiredParams"},
		"a key without signature": {get(open("DescribeRegions", "AccessKeyId", "testid")), "MissingRequiredParams"},
		"a wrong signature":       {get(append(common("DescribeRegions"), params("Signature", "AAAA")...)), "SignatureNotMatch"},
		"a wrong bearer token":    {get(open("DescribeRegions", "BearerToken", "x")), "AccessDenied"},
		"a wrong bearer header":   {withHeader(headers("DescribeRegions", ""), "x-acs-bearer-token", "x"), "AccessDenied"},
		"a wrong authorization":   {withHeader(headers("DescribeRegions", ""), "Authorization", "x"), "SignatureNotMatch"},
	} {
		if w := record(h, c.r); w.Code == 200 || !strings.Contains(w.Body.String(), c.code) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	codes := ""
	for range 3 {
		codes += fmt.Sprint(record(h, get(open("DescribeRegions"))).Code, " ")
	}
	if codes != "200 200 429 " {
		t.Errorf("the rate of strangers: %s", codes)
	}
	wantResponse(t, record(h, get(signV1("GET", common("DescribeRegions")))))
}

// TestFormsDoNotAmplify checks that a form, which is parsed before the caller is known, costs no
// more than copies of it. So must the signed text, which is up to five times as long.
func TestFormsDoNotAmplify(t *testing.T) {
	h := server.NewHandler(server.Options{API: &fakeAPI{}, Now: fixed(noon),
		Credentials: credentials(t, "testsecret", "")})
	for name, value := range map[string]string{
		"plain": strings.Repeat("x", 900_000), "escaped": strings.Repeat("/", 300_000),
		"many":     strings.TrimSuffix(strings.Repeat("&&&&a=", 140_000), "a="),
		"too many": strings.Repeat("x&a=", 200_000),
	} {
		list := with(common("StartExecution", "FlowName", "f", "Input", ""), "Signature",
			"AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		r := post(list)
		body, _ := io.ReadAll(r.Body)
		r = raw("POST", "/", "application/x-www-form-urlencoded",
			string(body)+"&Input="+strings.ReplaceAll(value, "/", "%2F"))
		if got := allocated(func() { record(h, r) }); got > 6<<20 {
			t.Errorf("%s: %d bytes made the server allocate %d", name, r.ContentLength, got)
		}
	}
}

// TestClaimedLengthReservesNothing checks that a buffer grows with the bytes that arrive, not with
// Content-Length.
func TestClaimedLengthReservesNothing(t *testing.T) {
	h := server.NewHandler(server.Options{API: &fakeAPI{}})
	const requests = 64
	got := allocated(func() {
		for range requests {
			r := raw("POST", "/", "", "")
			text := strings.NewReader(strings.Repeat("a", 200))
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(text, brokenReader{})), 1_040_000
			if w := record(h, r); w.Code != 400 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			runtime.GC() // the pool keeps nothing
			runtime.GC()
		}
	})
	if got > requests*(64<<10) {
		t.Errorf("%d bytes for each request of 200", got/requests)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
