package server_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/rpc/server"
)

// TestNonceInOtherSpellings checks that a used nonce cannot be used again by writing its header
// differently.
func TestNonceInOtherSpellings(t *testing.T) {
	for _, all := range []bool{false, true} { // DeleteFlow always checks nonces
		operation, query := "DeleteFlow", "Name=f"
		if all {
			operation, query = "StartExecution", "FlowName=f"
		}
		api := &fakeAPI{}
		h := server.NewHandler(server.Options{API: api, Credentials: credentials(t, "testsecret", ""),
			Now: fixed(noon), CheckNonces: all})
		request := func(nonce ...string) *http.Request {
			r := v3(operation, query, "", "", "x-acs-signature-nonce", "a,b")
			r.Header["X-Acs-Signature-Nonce"] = nonce
			return r
		}
		wantResponse(t, record(h, request("a,b")))
		for _, nonce := range [][]string{
			{"a,b\u00a0"}, {"a,b\u0085"}, {"a,b\u2003"}, {"\u00a0a,b"}, {"a,b\u00a0\u00a0"},
			{"a,b "}, {"\ta,b"}, {"a,b\v"}, {"a,b\u3000"}, {"a", "b"}, {"a,b", ""}, {"", "a,b"},
			{"a,b", "a,b"}, {"a,b", "c"},
		} {
			w := record(h, request(nonce...))
			rejected := w.Code == 403 && strings.Contains(w.Body.String(), "SignatureNotMatch")
			if !rejected && (nonce[0] != "" || w.Code != 400) {
				t.Errorf("%q: %d %s", nonce, w.Code, w.Body)
			}
		}
		wantFault(t, record(h, request("a,b")), 400, "SignatureNonceUsed", nonceUsed)
		if api.calls != 1 {
			t.Errorf("%s ran %d times", operation, api.calls)
		}
	}
}

// TestStartSyncExecutionOnce checks that StartSyncExecution cannot be replayed, because each run
// repeats the work.
func TestStartSyncExecutionOnce(t *testing.T) {
	api := &fakeAPI{}
	h := server.NewHandler(server.Options{API: api, Credentials: credentials(t, "testsecret", ""),
		Now: fixed(noon)})
	list := signV1("POST", common("StartSyncExecution", "FlowName", "f"))
	wantResponse(t, record(h, post(list)))
	wantFault(t, record(h, post(list)), 400, "SignatureNonceUsed", nonceUsed)
	wantFault(t, record(h, v3("StartSyncExecution", "FlowName=f", "", "")), 400,
		"SignatureNonceUsed", nonceUsed)
	if api.calls != 1 {
		t.Errorf("it ran %d times", api.calls)
	}
}

// TestMediaTypeIsSigned checks that V3 must sign the content type, because it decides whether the
// body is a form or JSON.
func TestMediaTypeIsSigned(t *testing.T) {
	api := &fakeAPI{}
	h := server.NewHandler(server.Options{API: api, Credentials: credentials(t, "testsecret", ""),
		Now: fixed(noon)})
	const body = `{"Name":"victim","Description":"x&Name=there&Description=owned&z="}`
	const unsigned = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;" +
		"x-acs-version"
	const form = "application/x-www-form-urlencoded"
	as := func(r *http.Request, types ...string) *http.Request {
		r.Header["Content-Type"] = types
		return r
	}
	for name, r := range map[string]*http.Request{
		"as sent": v3("UpdateFlow", "", body, unsigned, "content-type", "application/json"),
		"as a form": as(v3("UpdateFlow", "", body, unsigned, "content-type",
			"application/json"), form),
		"as nothing": as(v3("UpdateFlow", "", body, unsigned)),
		"signed, changed": as(v3("UpdateFlow", "", body, "", "content-type", "application/json"),
			form),
		"signed, twice": as(v3("UpdateFlow", "", body, "", "content-type", "application/json"),
			"application/json", form),
		"signed, spaces": as(v3("UpdateFlow", "", body, "", "content-type", "application/json"),
			"application/json "),
	} {
		if w := record(h, r); w.Code != 403 ||
			!strings.Contains(w.Body.String(), "SignatureNotMatch") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	wantResponse(t, record(h, v3("UpdateFlow", "", body, "", "content-type", "application/json")))
	// no body, so no type
	wantResponse(t,
		record(h, v3("UpdateFlow", "Name=f", "", unsigned, "x-acs-signature-nonce", "n2")))
}

// FuzzChangedRequest changes bytes of an accepted request: its request line, its headers (which may
// be doubled) and its body. The changed request must be rejected, also because of the nonce, which
// the accepted one has used.
func FuzzChangedRequest(f *testing.F) {
	base := func(t testing.TB, which int) []byte {
		var r *http.Request
		switch which % 4 {
		case 0:
			r = v3("DeleteFlow", "Name=a%20b", "", "", "x-acs-signature-nonce", "a,b")
		case 1:
			r = v3("UpdateFlow", "", "Name=f&Description=a+b%2B", "", "content-type",
				"application/x-www-form-urlencoded")
		case 2:
			r = post(signV1("POST",
				common("UpdateFlow", "Name", "f", "Name", "g", "Description", "a b+")))
		case 3:
			r = v3("UpdateFlow", "Name=f", `{"Description":"x&Name=g"}`, "", "content-type",
				"application/json")
		}
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for which := range 4 {
		f.Add(which, 30, "x", 1)
		f.Add(which, 60, "", 3)
		text := base(f, which)
		if at := bytes.Index(text, []byte("Nonce: ")); at > 0 {
			end := at + bytes.IndexByte(text[at:], '\r')
			f.Add(which, end, "\u00a0", 0)
			f.Add(which, end, "\r\nX-Acs-Signature-Nonce: b", 0)
			f.Add(which, end-2, "\r\nX-Acs-Signature-Nonce: ", 1)
		}
		if at := bytes.Index(text, []byte("Content-Type: ")); at > 0 {
			f.Add(which, at, "X-", 0)
		}
		f.Add(which, bytes.IndexByte(text, ' ')+2, "?", 1)
	}
	quiet := slog.New(slog.DiscardHandler)
	trusted := credentials(f, "testsecret", "")
	f.Fuzz(func(t *testing.T, which, at int, insert string, remove int) {
		if which < 0 || at < 0 || remove < 0 {
			return
		}
		text := base(t, which)
		at %= len(text) + 1
		changed := append(bytes.Clone(text[:at]), insert...)
		changed = append(changed, text[min(len(text), at+remove%64):]...)
		api := &fakeAPI{}
		h := server.NewHandler(server.Options{API: api, Now: fixed(noon), Logger: quiet,
			Credentials: trusted, CheckNonces: true})
		if w := record(h, request(t, text)); w.Code != 200 {
			t.Fatalf("the request itself: %d %s", w.Code, w.Body)
		}
		r, err := http.ReadRequest(reader(changed))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if r.URL.Path != "/healthz" && w.Code == 200 || api.calls != 1 {
			t.Fatalf("%d calls; %q is answered %d %s", api.calls, changed, w.Code, w.Body)
		}
	})
}
