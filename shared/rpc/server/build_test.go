package server_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"millrace/shared/rpc/sign"
)

// params builds a list from name, value, name, value ...
func params(nameValue ...string) (list []sign.Param) {
	for i := 0; i+1 < len(nameValue); i += 2 {
		list = append(list, sign.Param{Name: nameValue[i], Value: nameValue[i+1]})
	}
	return list
}

// with replaces parameters. It removes those whose value is "-".
func with(list []sign.Param, nameValue ...string) []sign.Param {
	change := params(nameValue...)
	var out []sign.Param
	for _, p := range list {
		keep := true
		for _, c := range change {
			keep = keep && c.Name != p.Name
		}
		if keep {
			out = append(out, p)
		}
	}
	for _, c := range change {
		if c.Value != "-" {
			out = append(out, c)
		}
	}
	return out
}

func get(list []sign.Param) *http.Request {
	return httptest.NewRequest("GET", "http://localhost:8080/?"+string(sign.AppendForm(nil, list)),
		nil)
}

func post(list []sign.Param) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:8080/",
		strings.NewReader(string(sign.AppendForm(nil, list))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return r
}

// open returns the parameters of an anonymous request.
func open(operation string, nameValue ...string) []sign.Param {
	return append(params("Action", operation, "Version", "2019-03-15"), params(nameValue...)...)
}

// common returns the parameters of a V1 request without the signature.
func common(operation string, nameValue ...string) []sign.Param {
	return append(open(operation, nameValue...),
		params("AccessKeyId", "testid", "SignatureMethod", "HMAC-SHA1",
			"SignatureVersion", "1.0", "SignatureNonce", "n1", "Timestamp",
			noon.Format(time.RFC3339))...)
}

var testKey = sign.NewKey("testsecret")

// signV1 appends the signature.
func signV1(method string, list []sign.Param) []sign.Param {
	return append(list, sign.Param{Name: "Signature", Value: testKey.V1(method, list)})
}

// v3 builds a signed V3 request. more holds further headers and their values in turn; the value "-"
// removes a header. signed names the headers to sign; "" means all that must be signed.
func v3(operation, query, body, signed string, more ...string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:8080/?"+query, strings.NewReader(body))
	h := map[string]string{
		"x-acs-action": operation, "x-acs-version": "2019-03-15",
		"x-acs-date": noon.Format(time.RFC3339), "x-acs-signature-nonce": "n1",
		"x-acs-content-sha256": sign.BodyHash([]byte(body)),
	}
	for i := 0; i+1 < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	for name, value := range h {
		if value != "-" {
			r.Header.Set(name, value)
		}
	}
	if signed == "" {
		signed = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;" +
			"x-acs-version"
		if body != "" {
			signed = "content-type;" + signed
		}
	}
	list, err := sign.ParseForm(nil, query, 100)
	if err != nil {
		panic(err)
	}
	a := sign.Authorization{Credential: "testid", SignedHeaders: signed}
	q := sign.Request{Method: "POST", Query: list, BodyHash: sign.BodyHash([]byte(body))}
	if err := q.Headers.Read(signed, r.Host, r.Header); err != nil {
		panic(err)
	}
	a.Signature = testKey.V3(&q)
	r.Header.Set("Authorization", a.String())
	return r
}

func reader(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }
