package oss

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"
)

// failure is an error of the service.
type failure struct {
	XMLName  xml.Name `xml:"Error"`
	Code     string
	Message  string
	Request  string `xml:"RequestId"`
	Endpoint string `xml:",omitempty"`

	status   int
	endpoint string
}

func newFailure(status int, code, message string) *failure {
	return &failure{status: status, Code: code, Message: message}
}

func (f *failure) write(w http.ResponseWriter) {
	f.Request, f.Endpoint = w.Header().Get("X-Oss-Request-Id"), f.endpoint
	text, _ := xml.Marshal(f) // strings only
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	w.Write(append([]byte(xml.Header), text...))
}

const algorithm = "OSS4-HMAC-SHA256"

// admit checks the signature of a request and returns the key that signed it.
func (s *Server) admit(r *http.Request, resource string) (Key, *failure) {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	fields := map[string]string{}
	for field := range strings.SplitSeq(text, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = v
	}
	id, scope, found := strings.Cut(fields["Credential"], "/")
	at := r.Header.Get("X-Oss-Date")
	when, err := time.Parse("20060102T150405Z", at)
	if !ok || !found || err != nil || !strings.HasPrefix(scope, at[:8]+"/") {
		return Key{}, newFailure(400, "InvalidArgument", "Authorization or x-oss-date is invalid.")
	}
	k, known := s.keys[id]
	if !known {
		return k, newFailure(403, "InvalidAccessKeyId",
			"The OSS Access Key Id you provided does not exist in our records.")
	}
	if scope != at[:8]+"/"+s.o.Region+"/oss/aliyun_v4_request" {
		return k, newFailure(400, "InvalidArgument",
			"Invalid signing region in Authorization header.")
	}
	if fields["Signature"] != signature(k.Secret, scope, at,
		canonical(r, resource, fields["AdditionalHeaders"])) {
		return k, newFailure(403, "SignatureDoesNotMatch", "The request signature we calculated "+
			"does not match the signature you provided. Check your key and signing method.")
	}
	if d := s.o.Now().Sub(when); d > 15*time.Minute || d < -15*time.Minute {
		return k, newFailure(403, "RequestTimeTooSkewed",
			"The difference between the request time and the current time is too large.")
	}
	if r.Header.Get("X-Oss-Security-Token") != k.Token {
		return k, newFailure(403, "InvalidAccessKeyId",
			"The OSS Access Key Id you provided does not exist in our records.")
	}
	if !k.Expires.IsZero() && !s.o.Now().Before(k.Expires) {
		return k, newFailure(403, "SecurityTokenExpired",
			"The security token you provided has expired.")
	}
	return k, nil
}

// canonical returns the form of a request that is signed.
func canonical(r *http.Request, resource, additional string) string {
	query := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(query)
	more := strings.Split(additional, ";")
	var headers []string
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-oss-") || lower == "content-type" ||
			lower == "content-md5" || slices.Contains(more, lower) {
			headers = append(headers, lower+":"+strings.TrimSpace(strings.Join(values, ","))+"\n")
		}
	}
	slices.Sort(headers)
	return r.Method + "\n" + resource + "\n" + strings.Join(query, "&") + "\n" +
		strings.Join(headers, "") + "\n" + additional + "\n" +
		r.Header.Get("X-Oss-Content-Sha256")
}

func signature(secret, scope, at, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	key := []byte("aliyun_v4" + secret)
	for _, part := range append(strings.Split(scope, "/"),
		algorithm+"\n"+at+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	return hex.EncodeToString(key)
}
