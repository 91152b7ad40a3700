package osstask_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/osstask"
	"millrace/tests/clouds/emulators/alibaba/oss"
)

var key = alibaba.Credentials{AccessKeyID: "test", AccessKeySecret: "test"}

// open returns a server with a bucket, and a runner that reads from it.
func open(t *testing.T, o osstask.Options, keys ...oss.Key) (*oss.Server, *osstask.Runner) {
	t.Helper()
	s := oss.New(oss.Options{Keys: keys})
	s.CreateBucket("inbox", "")
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	o.Endpoints = acs.Endpoints{Account: "1", Region: "cn-hangzhou",
		Override: func(product string) string {
			if product != "oss" {
				t.Errorf("the address of %s is asked for", product)
			}
			return at.URL
		}}
	if o.Credentials == nil {
		o.Credentials = alibaba.Static(key)
	}
	return s, osstask.New(o)
}

func request(parameters string) task.Request {
	return task.Request{Action: osstask.Action, Parameters: json.RawMessage(parameters)}
}

func TestGet(t *testing.T) {
	s, r := open(t, osstask.Options{})
	s.Put("inbox", "in/order 1.json", oss.Object{
		Body: []byte(` {"n": 1}`), Meta: map[string]string{"who": "me"},
	})
	s.Put("inbox", "number.json", oss.Object{
		Body: []byte(`12`), ContentType: "application/json; charset=utf-8",
	})
	s.Put("inbox", "number.txt", oss.Object{Body: []byte(`12`), ContentType: "text/plain"})
	s.Put("inbox", "broken.json", oss.Object{Body: []byte(`{"n":`)})
	s.Put("inbox", "bytes", oss.Object{Body: []byte{0xff, 0}})
	s.Put("inbox", "日本/+&?#%41", oss.Object{Body: []byte("first")})
	s.Put("inbox", "日本/+&?#%41", oss.Object{Body: []byte("second")})
	s.Put("inbox", "empty", oss.Object{})
	s.Put("inbox", "marked.json", oss.Object{Body: []byte("\uFEFF{\"n\": 1}")})
	s.Put("inbox", "gbk.json", oss.Object{
		Body: []byte("{\"n\":\"\xc2\xa3\"}"), ContentType: "application/json;charset=gbk",
	})
	s.Put("inbox", "big5", oss.Object{
		Body: []byte("\xc2\xa3"), ContentType: "text/plain;charset=big5",
	})
	for _, test := range []struct{ parameters, body, more string }{
		{`"key":"marked.json"`, `{"n":1}`, `"contentLength":11`},
		{`"key":"gbk.json"`, `{"n":"拢"}`, `"isBase64Encoded":false`},
		{`"key":"big5"`, `"wqM="`, `"isBase64Encoded":true`},
		{`"key":"in/order 1.json"`, `{"n":1}`, `"isBase64Encoded":false,"key":"in/order 1.json"`},
		{
			`"key":"in/order 1.json"`, `{"n":1}`,
			`"metadata":{"who":"me"},"region":"cn-hangzhou","requestId":"`,
		},
		{
			`"key":"in/order 1.json","region":"cn-hangzhou"`, `{"n":1}`,
			`"contentLength":9,"contentType":"application/octet-stream","eTag":"`,
		},
		{`"key":"in/order 1.json","region":"oss-cn-hangzhou"`, `{"n":1}`, `"region":"cn-hangzhou"`},
		{`"key":"in/order 1.json","range":"1~3"`, `"{\"n"`, `"contentRange":"bytes 1-3/9"`},
		{`"key":"in/order 1.json","range":"1-"`, `"{\"n\": 1}"`, `"contentRange":"bytes 1-8/9"`},
		{`"key":"in/order 1.json","range":"~2"`, `"1}"`, `"contentRange":"bytes 7-8/9"`},
		{`"key":"in/order 1.json","range":"bytes=100-200"`, `{"n":1}`, `"contentLength":9`},
		{`"key":"number.json"`, `12`, ``},
		{`"key":"number.txt"`, `"12"`, ``},
		{`"key":"broken.json"`, `"{\"n\":"`, ``},
		{`"key":"bytes"`, `"/wA="`, `"isBase64Encoded":true`},
		{`"key":"empty","versionId":null`, `""`, `"contentLength":0`},
		{`"key":"日本/+&?#%41"`, `"second"`, `"versionId":"v2"`},
		{`"key":"日本/+&?#%41","versionId":"v1"`, `"first"`, `"versionId":"v1"`},
		{`"key":"日本/+&?#%41","ifMatch":"A9F0E61A137D86AA9DB53465E0801612"`, `"second"`, ``},
		{`"key":"日本/+&?#%41","ifNoneMatch":"x"`, `"second"`, ``},
	} {
		got := r.Run(t.Context(), request(`{"bucket":"inbox",`+test.parameters+`}`))
		if got.Error != nil ||
			!strings.HasPrefix(string(got.Output), `{"body":`+test.body+`,"bucket":"inbox",`) ||
			!strings.Contains(string(got.Output), test.more) {
			t.Errorf("%s: %s %v", test.parameters, got.Output, got.Error)
		}
	}
}

func TestRefusals(t *testing.T) {
	s, r := open(t, osstask.Options{MaxBytes: 600}, oss.DefaultKey, oss.Key{
		ID: "denied", Secret: "x", Deny: []string{"GetObject"},
	},
		oss.Key{ID: "sts", Secret: "x", Token: "t"}, oss.Key{
			ID: "old", Secret: "x", Token: "t", Expires: time.Unix(1, 0),
		})
	s.CreateBucket("elsewhere", "cn-beijing")
	s.Put("inbox", "a", oss.Object{Body: []byte("a")})
	s.Put("inbox", "long", oss.Object{Body: make([]byte, 601)})
	s.Put("inbox", "escaped", oss.Object{Body: []byte(strings.Repeat("\x01", 200))})
	s.Put("elsewhere", "a", oss.Object{Body: []byte("a")})
	check := func(r *osstask.Runner, parameters, name, cause string) {
		t.Helper()
		got := r.Run(t.Context(), request(parameters))
		if got.Error == nil || got.Error.Name != name || !strings.Contains(got.Error.Cause, cause) {
			t.Errorf("%.80s: %s %v, want %s %s", parameters, got.Output, got.Error, name, cause)
		}
	}
	check(r, `{"bucket":"inbox","key":"none"}`, "OSS.NoSuchKey", "(request ")
	check(r, `{"bucket":"none","key":"a"}`, "OSS.NoSuchBucket",
		"parameters bucket and region (cn-hangzhou)")
	check(r, `{"bucket":"elsewhere","key":"a"}`, "OSS.AccessDenied",
		"The bucket is at oss-cn-beijing.aliyuncs.com: name its region")
	check(r, `{"bucket":"inbox","key":"a","ifMatch":"b"}`, "OSS.PreconditionFailed",
		"pre-conditions")
	check(r, `{"bucket":"inbox","key":"a","ifNoneMatch":"0CC175B9C0F1B6A831C399E269772661"}`,
		"OSS.NotModified", "304")
	check(r, `{"bucket":"inbox","key":"long"}`, "OSS.ObjectTooLarge", "at most 600 bytes")
	check(r, `{"bucket":"inbox","key":"escaped"}`, "OSS.ObjectTooLarge", "bytes as JSON")
	before := s.Requests()
	for _, bad := range []string{`7`, `{}`, `{"bucket":"inbox"}`, `{"key":"a"}`,
		`{"bucket":7,"key":"a"}`, `{"bucket":"inbox","key":{}}`,
		`{"bucket":"inbox","key":"` + strings.Repeat("k", 1024) + `"}`,
		`{"bucket":"evil.example/","key":"a"}`, `{"bucket":"Inbox","key":"a"}`,
		`{"bucket":"in","key":"a"}`,
		`{"bucket":"inbox","key":"a","region":"evil.example/"}`,
		`{"bucket":"inbox","key":"a","range":"x"}`, `{"bucket":"inbox","key":"a","range":"-"}`,
		`{"bucket":"inbox","key":"a","range":"1-2,4-5"}`,
		`{"bucket":"inbox","key":"a","ifMatch":"a\r\nX: y"}`,
		`{"bucket":"inbox","key":"a","versionId":"é"}`} {
		check(r, bad, "OSS.InvalidArgument", "")
	}
	if s.Requests() != before {
		t.Errorf("%d calls were made", s.Requests()-before)
	}
	const good = `{"bucket":"inbox","key":"a"}`
	as := func(k alibaba.Credentials) *osstask.Runner {
		_, r := open(t, osstask.Options{Credentials: alibaba.Static(k)},
			oss.Key{ID: "denied", Secret: "x", Deny: []string{"GetObject"}}, oss.Key{
				ID: "old", Secret: "x", Token: "t", Expires: time.Unix(1, 0),
			})
		return r
	}
	check(as(alibaba.Credentials{}), good, "OSS.AccessDenied", "could not be signed")
	check(as(alibaba.Credentials{AccessKeyID: "nobody", AccessKeySecret: "x"}), good,
		"OSS.InvalidAccessKeyId", "credentials are not valid")
	check(as(alibaba.Credentials{AccessKeyID: "denied", AccessKeySecret: "y"}), good,
		"OSS.SignatureDoesNotMatch", "")
	check(as(alibaba.Credentials{AccessKeyID: "denied", AccessKeySecret: "x"}), good,
		"OSS.AccessDenied", "oss:GetObject on acs:oss:*:*:inbox/a")
	check(as(alibaba.Credentials{AccessKeyID: "old", AccessKeySecret: "x", SecurityToken: "t"}),
		good,
		"OSS.SecurityTokenExpired", "a later attempt takes fresh ones")
	flowV1 := request(good)
	flowV1.Action, flowV1.Dialect, flowV1.Parameters = "oss:GetObject", flow.FlowV1,
		json.RawMessage(`{"bucket":"inbox","key":"none"}`)
	if got := r.Run(t.Context(), flowV1); got.Error == nil || got.Error.Name != "oss.NoSuchKey" {
		t.Errorf("%v", got.Error)
	}
}

// TestRotation: each call is signed with the current credentials, which rotate.
func TestRotation(t *testing.T) {
	now := alibaba.Credentials{AccessKeyID: "one", AccessKeySecret: "x", SecurityToken: "t1"}
	current := func(context.Context) (alibaba.Credentials, error) { return now, nil }
	s, r := open(t, osstask.Options{Credentials: current},
		oss.Key{ID: "one", Secret: "x", Token: "t1"})
	s.Put("inbox", "a", oss.Object{Body: []byte("a")})
	if got := r.Run(t.Context(), request(`{"bucket":"inbox","key":"a"}`)); got.Error != nil {
		t.Fatal(got.Error)
	}
	s.SetKeys(oss.Key{ID: "two", Secret: "y", Token: "t2"})
	if got := r.Run(t.Context(), request(`{"bucket":"inbox","key":"a"}`)); got.Error == nil ||
		got.Error.Name != "OSS.InvalidAccessKeyId" {
		t.Fatal(got.Error)
	}
	now = alibaba.Credentials{AccessKeyID: "two", AccessKeySecret: "y", SecurityToken: "t2"}
	if got := r.Run(t.Context(), request(`{"bucket":"inbox","key":"a"}`)); got.Error != nil {
		t.Fatal(got.Error)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestVectors: the address of an object, and the signature that the official Go SDK makes for the
// same request (tests/clouds/emulators/crosscheck writes the file).
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID, Secret, Token, Region, Bucket, Key, Version, URL, Authorization string
		Time                                                                time.Time
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 3 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		var sent *http.Request
		r := osstask.New(osstask.Options{Endpoints: acs.Endpoints{Region: "cn-hangzhou"},
			Now: func() time.Time { return v.Time },
			Credentials: alibaba.Static(alibaba.Credentials{
				AccessKeyID: v.ID, AccessKeySecret: v.Secret, SecurityToken: v.Token,
			}),
			HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				sent = r
				return nil, errors.New("refused")
			})}})
		parameters, _ := json.Marshal(map[string]any{
			"region": v.Region, "bucket": v.Bucket, "key": v.Key, "versionId": v.Version,
		})
		if got := r.Run(t.Context(), request(string(parameters))); got.Error == nil ||
			got.Error.Name != "OSS.Unknown" {
			t.Fatal(got.Error)
		}
		if got := sent.URL.String(); got != v.URL ||
			sent.Header.Get("Authorization") != v.Authorization {
			t.Errorf("%s\n%s\nwant %s\n%s", got, sent.Header.Get("Authorization"), v.URL,
				v.Authorization)
		}
	}
}

// TestBrokenCalls: a response that is not from OSS, or none at all.
func TestBrokenCalls(t *testing.T) {
	run := func(ctx context.Context, status int, length int64, body io.Reader) *flow.Error {
		r := osstask.New(osstask.Options{MaxBytes: 10, Endpoints: acs.Endpoints{Region: "cn-x"},
			Credentials: alibaba.Static(key),
			HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				if status == 0 {
					return nil, errors.New("reset")
				}
				return &http.Response{StatusCode: status, Header: http.Header{},
					ContentLength: length, Body: io.NopCloser(body)}, nil
			})}})
		return r.Run(ctx, request(`{"bucket":"inbox","key":"a"}`)).Error
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for want, got := range map[string]*flow.Error{
		"OSS.Unknown 0":             run(t.Context(), 0, 0, nil),
		"OSS.Unknown ended":         run(ended, 0, 0, nil),
		"OSS.Unknown 404":           run(t.Context(), 404, -1, strings.NewReader("<html>")),
		"OSS.Unknown redirect":      run(t.Context(), 301, -1, strings.NewReader("")),
		"OSS.AccessDenied 403":      run(t.Context(), 403, -1, strings.NewReader("")),
		"OSS.InternalError 502":     run(t.Context(), 502, -1, strings.NewReader("<Error>")),
		"OSS.ResourceThrottled 429": run(t.Context(), 429, -1, strings.NewReader("")),
		"OSS.ObjectTooLarge chunked": run(t.Context(), 200, -1,
			strings.NewReader("longer than ten")),
		"OSS.ObjectTooLarge known": run(t.Context(), 200, 11, strings.NewReader("")),
		"OSS.Unknown cut off": run(t.Context(), 200, 5,
			io.MultiReader(strings.NewReader("a"), failing{})),
	} {
		if name, _, _ := strings.Cut(want, " "); got == nil || got.Name != name {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzRun: whatever a flow writes, a request goes to OSS only.
func FuzzRun(f *testing.F) {
	f.Add(`{"bucket":"inbox","key":"a/b","region":"cn-beijing","range":"1~2","ifMatch":"x"}`)
	f.Add(`{"bucket":"a.b","key":"../x?y#z","versionId":"1"}`)
	r := osstask.New(osstask.Options{Endpoints: acs.Endpoints{Region: "cn-x"},
		Credentials: alibaba.Static(key),
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Host, ".aliyuncs.com") || r.Method != http.MethodGet {
				return nil, fmt.Errorf("%s %s", r.Method, r.URL) // checked below
			}
			return nil, errors.New("refused")
		})}})
	f.Fuzz(func(t *testing.T, parameters string) {
		got := r.Run(context.Background(), request(parameters))
		if got.Error == nil || got.Error.Name == "" ||
			strings.Contains(got.Error.Cause, "GET https") {
			t.Fatal(got.Error)
		}
	})
}
