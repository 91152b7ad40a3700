package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
)

const wireDir = "../testdata/wire"

// recorded is one request of a released client.
type recorded struct {
	file       string
	raw        []byte
	Operation  string
	Parameters map[string]string // without the common ones, decoded by another implementation
}

// recordings returns all recorded requests with their expected parameters.
func recordings(t testing.TB) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]recorded
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(wireDir + "/*.http")
	if len(files) != 102 || len(want) != 102 {
		t.Fatalf("%d recordings, %d expectations, want 102 of each", len(files), len(want))
	}
	var all []recorded
	for _, f := range files {
		r := want[filepath.Base(f)]
		r.file = strings.TrimSuffix(filepath.Base(f), ".http")
		if r.raw, err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// request parses raw bytes as a server does.
func request(t testing.TB, raw []byte) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func credentials(t testing.TB, secret, token string) *auth.Credentials {
	t.Helper()
	c, err := auth.New([]auth.Account{{
		ID:     "1001",
		Keys:   []auth.AccessKey{{ID: "testid", Secret: secret, SecurityToken: token}},
		Tokens: []auth.BearerToken{{Token: "testbearer"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fixed(at time.Time) func() time.Time { return func() time.Time { return at } }

func serve(o server.Options, r *http.Request) *httptest.ResponseRecorder {
	if o.Now == nil {
		o.Now = fixed(noon)
	}
	w := httptest.NewRecorder()
	server.NewHandler(o).ServeHTTP(w, r)
	return w
}

// token returns the security token that the recording was made with.
func (r recorded) token() string {
	if strings.HasSuffix(r.file, ".sts") {
		return "testststoken+/="
	}
	return ""
}

func (r recorded) signed() bool {
	return bytes.Contains(r.raw, []byte("Signature=")) && !strings.HasSuffix(r.file, ".bearer")
}

func (r recorded) v3() bool { return bytes.Contains(r.raw, []byte("\r\nAuthorization: ACS3")) }

func TestRecordedRequestsAreServed(t *testing.T) {
	for _, rec := range recordings(t) {
		t.Run(rec.file, func(t *testing.T) {
			api := &fakeAPI{}
			o := server.Options{API: api, Credentials: credentials(t, "testsecret", rec.token())}
			w := serve(o, request(t, rec.raw))
			response := wantResponse(t, w)
			if api.name != rec.Operation {
				t.Fatalf("ran %s, want %s", api.name, rec.Operation)
			}
			checkParameters(t, rec, api.request)
			if id, ok := rec.Parameters["RequestId"]; ok && response["RequestId"] != id {
				t.Errorf("RequestId is %v, want %s", response["RequestId"], id)
			}
			wantAccount, wantKey := "1001", "testid"
			switch {
			case strings.HasSuffix(rec.file, ".anonymous"):
				wantAccount, wantKey = "", ""
			case strings.HasSuffix(rec.file, ".bearer"):
				wantKey = ""
			}
			if api.caller.Account != wantAccount || api.caller.AccessKey != wantKey ||
				api.caller.Host != "127.0.0.1:18080" {
				t.Errorf("caller is %+v", api.caller)
			}
			if rec.signed() != (api.caller.Nonce != "" && api.caller.Timestamp != "") {
				t.Errorf("nonce %q of %q", api.caller.Nonce, api.caller.Timestamp)
			}
		})
	}
}

// checkParameters checks that each parameter is a field of the service's request.
func checkParameters(t *testing.T, rec recorded, request any) {
	t.Helper()
	fields := map[string]string{"CallbackFnFTaskToken": "CallbackToken"}
	set := 0
	for name, want := range rec.Parameters {
		if name == "RequestId" || name == "AcceptLanguage" {
			continue
		}
		set++
		if fields[name] != "" {
			name = fields[name]
		}
		f := reflect.ValueOf(request).FieldByName(name)
		if !f.IsValid() {
			t.Errorf("no field %s", name)
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		if got := fmt.Sprint(f.Interface()); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if request == nil {
		return
	}
	v, filled := reflect.ValueOf(request), 0
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			filled++
		}
	}
	if empty := rec.Parameters["Description"] == "" && strings.HasSuffix(rec.file, ".env"); empty {
		set--
	}
	if filled != set {
		t.Errorf("%d fields are set, want %d: %+v", filled, set, request)
	}
}

func TestRecordedSignaturesAreCounted(t *testing.T) {
	v1, v3, unsigned := 0, 0, 0
	for _, rec := range recordings(t) {
		switch {
		case rec.v3():
			v3++
		case bytes.Contains(rec.raw, []byte("Signature=")):
			v1++
		default:
			unsigned++
		}
	}
	if v1 != 73 || v3 != 25 || unsigned != 4 {
		t.Fatalf("%d V1, %d V3, %d unsigned; want 73, 25, 4", v1, v3, unsigned)
	}
}

// changes replace one byte each in a parameter of a recording.
var changes = [][2]string{
	{"flow1", "flow2"}, {"TaskToken=tok", "TaskToken=tak"}, {"Limit=10", "Limit=11"},
	{"zh-CN", "zh-CX"}, {"Definition=x", "Definition=y"},
}

func change(t *testing.T, raw []byte) []byte {
	t.Helper()
	for _, c := range changes {
		if bytes.Contains(raw, []byte(c[0])) {
			return bytes.Replace(raw, []byte(c[0]), []byte(c[1]), 1)
		}
	}
	t.Fatal("nothing to change")
	return nil
}

const notMatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your access key and signing method."

func TestAlteredRequestsAreRefused(t *testing.T) {
	for _, rec := range recordings(t) {
		if !rec.signed() {
			continue
		}
		t.Run(rec.file, func(t *testing.T) {
			api := &fakeAPI{}
			o := server.Options{API: api, Credentials: credentials(t, "testsecret", rec.token())}
			rejected := func(what string, o server.Options, r *http.Request) {
				t.Helper()
				w := serve(o, r)
				t.Log(what)
				wantFault(t, w, 403, "SignatureNotMatch", notMatch)
			}
			rejected("one byte", o, request(t, change(t, rec.raw)))
			other := o
			other.Credentials = credentials(t, "testsecret2", rec.token())
			rejected("other secret", other, request(t, rec.raw))
			more := request(t, rec.raw)
			more.URL.RawQuery += "&Extra="
			rejected("parameter added", o, more)
			if rec.v3() {
				rejectAlteredV3(t, rejected, o, rec)
			}
			if api.calls != 0 {
				t.Error("the service was called")
			}
		})
	}
}

func rejectAlteredV3(
	t *testing.T, rejected func(string, server.Options, *http.Request), o server.Options, rec recorded,
) {
	host := request(t, rec.raw)
	host.Host = "other:18080"
	rejected("host", o, host)
	action := request(t, rec.raw)
	action.Header.Set("x-acs-action",
		map[bool]string{true: "DescribeRegions", false: "ListFlows"}[rec.Operation == "ListFlows"])
	rejected("operation", o, action)
	hash := request(t, rec.raw)
	hash.Header.Set("x-acs-content-sha256", strings.Repeat("0", 64))
	rejected("hash", o, hash)
	for _, name := range []string{"x-acs-date;", ";x-acs-version", "host;"} {
		less := request(t, rec.raw)
		a := less.Header.Get("Authorization")
		less.Header.Set("Authorization", strings.Replace(a, name, "", 1))
		rejected("unsigned "+name, o, less)
	}
}
