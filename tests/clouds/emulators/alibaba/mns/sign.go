package mns

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sign returns the signature of a request over method, resource (path with query, as sent) and the
// signed headers.
func Sign(secret, method, resource string, header http.Header) string {
	var b strings.Builder
	for _, part := range []string{method, header.Get("Content-MD5"), header.Get("Content-Type"),
		header.Get("Date")} {
		b.WriteString(part)
		b.WriteByte('\n')
	}
	var names []string
	for name := range header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-mns-") {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + header.Get(name) + "\n")
	}
	b.WriteString(resource)
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// skewMax is the maximum difference between the time of a request and the server's.
const skewMax = 15 * time.Minute

// authenticate checks signature and time of a request, and returns the key of the caller.
func (s *Server) authenticate(r *http.Request) (Key, *apiError) {
	switch r.Header.Get("x-mns-version") {
	case "":
		return Key{}, missingVersion
	case "2015-06-06":
	default:
		return Key{}, invalidVersion
	}
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return Key{}, missingAuthorization
	}
	id, signature, ok := strings.Cut(strings.TrimPrefix(authorization, "MNS "), ":")
	if !ok || !strings.HasPrefix(authorization, "MNS ") {
		return Key{}, invalidAuthorization
	}
	s.mu.Lock()
	key, known := s.keys[id]
	s.mu.Unlock()
	now := time.Now() // callers know no other clock
	if bad := checkDate(r.Header, now); bad != nil {
		return Key{}, bad
	}
	switch {
	case !known:
		return Key{}, invalidAccessKey
	case !hmac.Equal([]byte(signature), []byte(Sign(key.Secret, r.Method, r.RequestURI, r.Header))):
		return Key{}, signatureMismatch
	case r.Header.Get("security-token") != key.Token:
		return Key{}, tokenInvalid
	case !key.Expires.IsZero() && !now.Before(key.Expires):
		return Key{}, tokenExpired
	case !s.mine(r.Host):
		return Key{}, accessDenied
	}
	return key, nil
}

func checkDate(h http.Header, now time.Time) *apiError {
	text := h.Get("Date")
	if text == "" {
		text = h.Get("x-mns-date")
	}
	if text == "" {
		return missingDate
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return invalidDate
	}
	if skew := now.Sub(at); skew > skewMax || skew < -skewMax {
		return timeExpired
	}
	return nil
}

// mine reports whether a host may be used for this account. A host that is not a domain of the
// service carries no account, so any account may use it.
func (s *Server) mine(host string) bool {
	account, rest, ok := strings.Cut(host, ".mns.")
	return !ok || !strings.Contains(rest, "aliyuncs.com") || account == s.account
}

// checkDigest compares the body with its Content-MD5. The official clients send base64 of the
// hexadecimal digest, others send base64 of the digest itself.
func checkDigest(h http.Header, body []byte) *apiError {
	sent := h.Get("Content-MD5")
	if sent == "" {
		return nil
	}
	sum := md5.Sum(body)
	plain, text := base64.StdEncoding.EncodeToString(sum[:]),
		base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:])))
	if sent != plain && !strings.EqualFold(sent, text) {
		return invalidDigest
	}
	return nil
}

func digest(body string) string {
	sum := md5.Sum([]byte(body))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
