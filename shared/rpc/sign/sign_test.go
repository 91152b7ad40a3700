package sign_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"millrace/shared/rpc/sign"
)

const wireDir = "../testdata/wire"

// parts reads a recording and returns what its signature covers.
func parts(t *testing.T, raw []byte) (r *http.Request, query, all []sign.Param, body []byte) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if query, err = sign.ParseForm(nil, r.URL.RawQuery, 100); err != nil {
		t.Fatal(err)
	}
	if all, err = sign.ParseForm(slices.Clone(query), body, 100); err != nil {
		t.Fatal(err)
	}
	return r, query, all, body
}

func value(all []sign.Param, name string) string {
	for _, p := range all {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

func TestRecordedSignatures(t *testing.T) {
	files, _ := filepath.Glob(wireDir + "/*.http")
	v1, v3 := 0, 0
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			r, query, all, body := parts(t, raw)
			secret := "testsecret"
			if strings.Contains(f, "go-sdk-v1-StartExecution.bearer") {
				secret = ""
			}
			key, other := sign.NewKey(secret), sign.NewKey("other")
			if r.Header.Get("Authorization") != "" {
				v3++
				checkV3(t, key, other, r,
					&sign.Request{Method: r.Method, Query: query, BodyHash: sign.BodyHash(body)})
			} else if s := value(all, "Signature"); s != "" {
				v1++
				checkV1(t, key, other, r.Method, s, all)
			}
		})
	}
	if v1 != 73 || v3 != 25 {
		t.Errorf("%d V1 and %d V3, want 73 and 25", v1, v3)
	}
}

func checkV1(t *testing.T, key, other *sign.Key, method, signature string, all []sign.Param) {
	if !key.VerifyV1(method, all, signature) || key.V1(method, all) != signature {
		t.Error("the signature does not match")
	}
	if other.VerifyV1(method, all, signature) || key.VerifyV1("PUT", all, signature) {
		t.Error("another secret or method matches")
	}
	for i := range all {
		if all[i].Name == "Signature" {
			continue
		}
		changed := slices.Clone(all)
		changed[i].Value += "x"
		if key.VerifyV1(method, changed, signature) {
			t.Errorf("%s may be changed", all[i].Name)
		}
	}
}

func checkV3(t *testing.T, key, other *sign.Key, q *http.Request, r *sign.Request) {
	header := q.Header.Get("Authorization")
	a, err := sign.ParseAuthorization(header)
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != header {
		t.Errorf("header is %q, want %q", a.String(), header)
	}
	if err := r.Headers.Read(a.SignedHeaders, q.Host, q.Header); err != nil {
		t.Fatal(err)
	}
	if !key.VerifyV3(r, a.Signature) || key.V3(r) != a.Signature {
		t.Error("the signature does not match")
	}
	if other.VerifyV3(r, a.Signature) {
		t.Error("another secret matches")
	}
	for i := range r.Query {
		changed := *r
		changed.Query = slices.Clone(r.Query)
		changed.Query[i].Value += "x"
		if key.VerifyV3(&changed, a.Signature) {
			t.Errorf("%s may be changed", r.Query[i].Name)
		}
	}
	changed := *r
	changed.BodyHash = sign.BodyHash([]byte("x"))
	if key.VerifyV3(&changed, a.Signature) {
		t.Error("the body may be changed")
	}
}

// TestV1CoversTheOrderOfOneName checks that the signature covers the order of parameters of the
// same name, because the operation uses the first, and that the order of different names does not
// matter.
func TestV1CoversTheOrderOfOneName(t *testing.T) {
	key := sign.NewKey("s")
	ab := []sign.Param{{"Name", "a"}, {"X", "1"}, {"Name", "b"}}
	if key.VerifyV1("POST", []sign.Param{{"Name", "b"}, {"Name", "a"}, {"X", "1"}},
		key.V1("POST", ab)) {
		t.Error("two values of one name may be swapped")
	}
	if !key.VerifyV1("POST", []sign.Param{{"X", "1"}, {"Name", "a"}, {"Name", "b"}},
		key.V1("POST", ab)) {
		t.Error("names may not be swapped")
	}
	if !slices.Equal(ab, []sign.Param{{"Name", "a"}, {"X", "1"}, {"Name", "b"}}) {
		t.Error("signing changed the order of its argument")
	}
}

func TestVerifyV1RefusesWhatIsNoSignature(t *testing.T) {
	key := sign.NewKey("s")
	for _, s := range []string{
		"", "=", "x", strings.Repeat("=", 28), strings.Repeat("A", 28),
		strings.Repeat("A", 27) + "=",
	} {
		if key.VerifyV1("GET", nil, s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestParseForm(t *testing.T) {
	for _, c := range []struct {
		text string
		want []sign.Param
	}{
		{"", nil},
		{"&&", nil},
		{"a=1&b=2", []sign.Param{{"a", "1"}, {"b", "2"}}},
		{"a=1&a=2", []sign.Param{{"a", "1"}, {"a", "2"}}},
		{"a", []sign.Param{{"a", ""}}},
		{"a=", []sign.Param{{"a", ""}}},
		{"=a", []sign.Param{{"", "a"}}},
		{"a=b=c", []sign.Param{{"a", "b=c"}}},
		{"a+b=c%20d+e", []sign.Param{{"a b", "c d e"}}},
		{"k=%E4%b8%AD%2B", []sign.Param{{"k", "中+"}}},
		{"a;b=1", []sign.Param{{"a;b", "1"}}},
		{"Input=%7B%7D&FlowName=f", []sign.Param{{"Input", "{}"}, {"FlowName", "f"}}},
	} {
		got, err := sign.ParseForm(nil, c.text, 10)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q gives %v, %v", c.text, got, err)
		}
		bytesGot, err := sign.ParseForm(nil, []byte(c.text), 10)
		if err != nil || !slices.Equal(bytesGot, got) {
			t.Errorf("%q as bytes gives %v, %v", c.text, bytesGot, err)
		}
	}
	for _, text := range []string{"a=%", "a=%1", "a=%zz", "%=1", "a=%2", "a=1&b=%g0"} {
		if got, err := sign.ParseForm(nil, text, 10); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
	_, err := sign.ParseForm(nil, strings.Repeat("a&", 11), 10)
	if !errors.Is(err, sign.ErrTooMany) {
		t.Errorf("eleven parameters give %v", err)
	}
}

func TestParseAuthorization(t *testing.T) {
	want := sign.Authorization{Credential: "id", SignedHeaders: "host;x-acs-date", Signature: "ab"}
	for _, h := range []string{
		"ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-date,Signature=ab",
		" ACS3-HMAC-SHA256  Credential=id , SignedHeaders=host;x-acs-date, Signature=ab ",
		"ACS3-HMAC-SHA256 Signature=ab,SignedHeaders=host;x-acs-date,Credential=id",
	} {
		if got, err := sign.ParseAuthorization(h); err != nil || got != want {
			t.Errorf("%q gives %+v, %v", h, got, err)
		}
	}
	for _, h := range []string{
		"", "ACS3-HMAC-SHA256", "Basic dTpw", "Bearer x",
		"ACS3-HMAC-SM3 Credential=id,SignedHeaders=host,Signature=ab",
		"ACS3-RSA-SHA256 Credential=id,SignedHeaders=host,Signature=ab",
		"acs3-hmac-sha256 Credential=id,SignedHeaders=host,Signature=ab",
		"ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host",
		"ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=ab",
		"ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=ab",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=ab,Extra=1",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=ab,",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=x;host,Signature=ab",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;host,Signature=ab",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=" + strings.Repeat("a", 3000) +
			",Signature=ab",
	} {
		if got, err := sign.ParseAuthorization(h); err == nil {
			t.Errorf("%q gives %+v", h, got)
		}
	}
}
