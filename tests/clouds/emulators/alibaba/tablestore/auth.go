package tablestore

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Key is an access key, long-lived or of STS.
type Key struct {
	ID, Secret string
	Token      string    // of STS; "": a long-lived key
	Expires    time.Time // of an STS key; zero: never
	Deny       []string  // operations that the key may not use
}

func (k Key) allows(op string) bool { return !slices.Contains(k.Deny, op) }

// maxSkew is the maximum difference between a request's time and the server's.
const maxSkew = 15 * time.Minute

const apiVersion = "2015-12-31"

// authenticate checks the headers of a request and returns the key that signed it.
func (s *Server) authenticate(op string, h http.Header, body []byte) (Key, *Error) {
	for _, name := range []string{"x-ots-date", "x-ots-apiversion", "x-ots-accesskeyid",
		"x-ots-contentmd5", "x-ots-instancename"} {
		if h.Get(name) == "" {
			return Key{}, invalid("Missing header: %s.", name)
		}
	}
	v4 := h.Get("x-ots-signaturev4") != ""
	if !v4 && h.Get("x-ots-signature") == "" {
		return Key{}, invalid("Missing header: x-ots-signature.")
	}
	if v := h.Get("x-ots-apiversion"); v != apiVersion {
		return Key{}, invalid("Invalid API version: %s.", v)
	}
	if err := checkDate(h.Get("x-ots-date")); err != nil {
		return Key{}, err
	}
	sum := md5.Sum(body)
	if h.Get("x-ots-contentmd5") != base64.StdEncoding.EncodeToString(sum[:]) {
		return Key{}, authFailed(
			"Mismatch between MD5 value of request body and x-ots-contentmd5 in header.")
	}
	s.keyMu.RLock()
	key, known := s.keys[h.Get("x-ots-accesskeyid")]
	s.keyMu.RUnlock()
	if !known {
		return Key{}, authFailed("The AccessKeyID does not exist.")
	}
	text := "/" + op + "\nPOST\n\n" + canonical(h)
	want, got := "", h.Get("x-ots-signature")
	if v4 {
		want, got = signV4(key.Secret, h.Get("x-ots-signdate"), h.Get("x-ots-signregion"),
			text), h.Get("x-ots-signaturev4")
	} else {
		want = sign(key.Secret, text)
	}
	if !hmac.Equal([]byte(want), []byte(got)) {
		return Key{}, authFailed("Signature mismatch.")
	}
	if h.Get("x-ots-ststoken") != key.Token {
		return Key{}, authFailed("The security token is invalid.")
	}
	if !key.Expires.IsZero() && !s.o.Now().Before(key.Expires) {
		return Key{}, authFailed("The security token has expired.")
	}
	if h.Get("x-ots-instancename") != s.o.Instance {
		return Key{}, authFailed("The instance is not found.")
	}
	return key, nil
}

// checkDate checks the date of a request, as the SDKs send it, against the real clock, whatever
// clock the tables use. In the Go SDK's date, month, day and hour are written where a fraction of a
// second is.
func checkDate(date string) *Error {
	t, err := time.Parse(time.RFC3339Nano, date)
	if err != nil {
		return invalid("Invalid date format: %s.", date)
	}
	if d := time.Since(t); d > maxSkew || d < -maxSkew {
		return authFailed("Mismatch between system time and x-ots-date: %s.", date)
	}
	return nil
}

// canonical returns the headers in the form that is signed: a sorted line for each header that
// begins with x-ots- and is no signature.
func canonical(h http.Header) string {
	var lines []string
	for name, values := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-ots-") && name != "x-ots-signature" &&
			name != "x-ots-signaturev4" && len(values) == 1 {
			lines = append(lines, name+":"+strings.TrimSpace(values[0])+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func sign(secret, text string) string {
	m := hmac.New(sha1.New, []byte(secret))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// signV4 returns the signature made with a key derived from the secret, the day and the region.
func signV4(secret, day, region, text string) string {
	mac := func(key []byte, text string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	key := []byte("aliyun_v4" + secret)
	for _, part := range []string{day, region, "ots", "aliyun_v4_request"} {
		key = mac(key, part)
	}
	return base64.StdEncoding.EncodeToString(mac([]byte(base64.StdEncoding.EncodeToString(key)),
		text+"ots"))
}
