package acs

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"millrace/shared/alibaba"
)

// algorithm is the name of the current signature.
const algorithm = "ACS3-HMAC-SHA256"

// signACS3 signs r. All headers except Authorization must be set: it signs host, content-type and
// every x-acs-* header, among them the digest of the body.
func signACS3(r *http.Request, k alibaba.Credentials) {
	names, lines := signedHeaders(r)
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + canonicalQuery(r.URL.Query()) +
		"\n" + lines + "\n" + names + "\n" +
		r.Header.Get("X-Acs-Content-Sha256")
	digest := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(k.AccessKeySecret))
	mac.Write([]byte(algorithm + "\n" + hex.EncodeToString(digest[:])))
	r.Header.Set("Authorization",
		algorithm+" Credential="+k.AccessKeyID+",SignedHeaders="+names+",Signature="+
			hex.EncodeToString(mac.Sum(nil)))
}

// signedHeaders returns the names of the signed headers, joined by ";", and their lines.
func signedHeaders(r *http.Request) (names, lines string) {
	values := map[string]string{"host": hostOf(r)}
	for name, v := range r.Header {
		if lower := strings.ToLower(name); lower == "content-type" ||
			strings.HasPrefix(lower, "x-acs-") {
			values[lower] = strings.TrimSpace(v[0])
		}
	}
	sorted := make([]string, 0, len(values))
	for name := range values {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// canonicalQuery returns the parameters sorted by name, so that Id.1 comes before Id.10, and
// escaped by RFC 3986.
func canonicalQuery(q url.Values) string {
	pairs := make([]string, 0, len(q))
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, v := range slices.Sorted(slices.Values(q[name])) {
			pairs = append(pairs, Escape(name)+"="+Escape(v))
		}
	}
	return strings.Join(pairs, "&")
}

// Escape percent-encodes everything but letters, digits and -_.~ (RFC 3986), for a segment of a
// path or a parameter.
func Escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_',
			c == '.', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// signSHA1 signs r as EventBridge's API for events requires: HMAC-SHA1 over the method, a few
// headers, every x-acs-* header, and the path with its query.
func signSHA1(r *http.Request, k alibaba.Credentials) {
	lines := make([]string, 0, len(r.Header))
	for name, v := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-acs-") {
			lines = append(lines, lower+":"+v[0]+"\n")
		}
	}
	slices.Sort(lines)
	resource := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		resource += "?" + r.URL.RawQuery
	}
	text := r.Method + "\n" + r.Header.Get("Content-Md5") + "\n" + r.Header.Get("Content-Type") +
		"\n" + r.Header.Get("Date") + "\n" +
		strings.Join(lines, "") + resource
	mac := hmac.New(sha1.New, []byte(k.AccessKeySecret))
	mac.Write([]byte(text))
	r.Header.Set("Authorization",
		"acs:"+k.AccessKeyID+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
