package mns_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

func TestSignVector(t *testing.T) {
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ AccessKeySecret, ContentMD5, Method, Resource, Signature string }
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	h := http.Header{
		"Content-Md5":   {v.ContentMD5},
		"Content-Type":  {"application/xml"},
		"Date":          {"Sat, 22 Nov 2025 10:00:00 GMT"},
		"X-Mns-Version": {"2015-06-06"},
	}
	if got := mns.Sign(v.AccessKeySecret, v.Method, v.Resource, h); got != v.Signature {
		t.Errorf("got %s", got)
	}
}

func TestAuthentication(t *testing.T) {
	s := mns.New(mns.Options{})
	s.SetKeys(map[string]mns.Key{
		"AK":  {Secret: "s"},
		"STS": {Secret: "s", Token: "t"},
		"OLD": {Secret: "s", Token: "t", Expires: time.Now()},
	})
	s.CreateQueue("q")
	day := time.Now().UTC().Add(-16 * time.Minute).Format(http.TimeFormat)
	for _, c := range []struct {
		id, host string
		headers  map[string]string
		status   int
		code     string
	}{
		{"AK", "", nil, 200, ""},
		{"AK", "127.0.0.1:80", nil, 200, ""},
		{"AK", "999.mns.cn-hangzhou.aliyuncs.com", nil, 403, "AccessDenied"},
		{"AK", "", map[string]string{"security-token": "t"}, 403, "InvalidSecurityToken"},
		{"STS", "", map[string]string{"security-token": "t"}, 200, ""},
		{"STS", "", nil, 403, "InvalidSecurityToken"},
		{"OLD", "", map[string]string{"security-token": "t"}, 403, "SecurityTokenExpired"},
		{"nobody", "", nil, 403, "InvalidAccessKeyId"},
		{"AK", "", map[string]string{"Authorization": "MNS AK:xx"}, 403, "SignatureDoesNotMatch"},
		{"AK", "", map[string]string{"Authorization": "AK"}, 400, "InvalidAuthorizationHeader"},
		{"AK", "", map[string]string{"Authorization": ""}, 400, "MissingAuthorizationHeader"},
		{"AK", "", map[string]string{"Date": ""}, 400, "MissingDateHeader"},
		{"AK", "", map[string]string{"Date": "today"}, 400, "InvalidDateHeader"},
		{"AK", "", map[string]string{"Date": day}, 408, "TimeExpired"},
		{"AK", "", map[string]string{
			"Date":       "",
			"x-mns-date": time.Now().UTC().Format(http.TimeFormat),
		}, 200, ""},
		{"AK", "", map[string]string{"x-mns-version": ""}, 400, "MissingVersionHeader"},
		{"AK", "", map[string]string{"x-mns-version": "1"}, 400, "InvalidVersionHeader"},
		{"AK", "", map[string]string{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, 200, ""},
		{"AK", "", map[string]string{"Content-MD5": "xx"}, 400, "InvalidDegist"},
	} {
		caller := newCaller(t, s)
		caller.id, caller.secret, caller.headers = c.id, "s", c.headers
		if c.host != "" {
			caller.host = c.host
		}
		caller.want(c.status, c.code, "GET", "/queues/q", "")
	}
}
