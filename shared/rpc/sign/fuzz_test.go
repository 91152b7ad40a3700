package sign_test

import (
	"net/http"
	"testing"

	"millrace/shared/rpc/sign"
)

// FuzzAuthorizationHeader checks that a parsed header, written and parsed again, is the same.
func FuzzAuthorizationHeader(f *testing.F) {
	f.Add("ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-date,Signature=ab")
	f.Add("ACS3-HMAC-SHA256 Credential=,SignedHeaders=;;,Signature==")
	f.Add("Basic x")
	key := sign.NewKey("secret")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := sign.ParseAuthorization(header)
		if err != nil {
			return
		}
		again, err := sign.ParseAuthorization(a.String())
		if err != nil || again != a {
			t.Fatalf("%q: %+v, then %+v, %v", header, a, again, err)
		}
		r := &sign.Request{Method: "GET"}
		if err := r.Headers.Read(a.SignedHeaders, "h",
			http.Header{"Authorization": {header}}); err != nil {
			return
		}
		if !key.VerifyV3(r, key.V3(r)) {
			t.Fatal("a signature does not verify")
		}
	})
}

// FuzzParseForm checks that a parsed form, written and parsed again, is the same, from a string and
// from bytes.
func FuzzParseForm(f *testing.F) {
	f.Add("a=1&b=%20+&c")
	f.Add("=&%41=%00&a==")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := sign.ParseForm(nil, text, 50)
		fromBytes, bytesErr := sign.ParseForm(nil, []byte(text), 50)
		if (err == nil) != (bytesErr == nil) || len(list) != len(fromBytes) {
			t.Fatalf("text gives %v, bytes give %v", err, bytesErr)
		}
		if err != nil {
			return
		}
		again, err := sign.ParseForm(nil, sign.AppendForm(nil, list), 50)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
		for i := range list {
			if again[i] != list[i] || fromBytes[i] != list[i] {
				t.Fatalf("%q: %v became %v", text, list[i], again[i])
			}
		}
	})
}
