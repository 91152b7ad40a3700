package rest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
)

const (
	version     = "2015-06-06"
	contentType = "application/xml"
)

// signature signs a request: the method, the headers that count, and the resource, path with query as they are sent. Of
// the headers x-mns-* there is only the version.
func signature(secret, method, resource string, h http.Header) string {
	text := method + "\n" + h.Get("Content-Md5") + "\n" + h.Get("Content-Type") + "\n" + h.Get("Date") + "\nx-mns-version:" +
		h.Get("X-Mns-Version") + "\n" + resource
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// digest is a body's Content-MD5 as the official clients send it: base64 of the hexadecimal digest.
func digest(body []byte) string {
	sum := md5.Sum(body)
	return base64.StdEncoding.EncodeToString(hex.AppendEncode(nil, sum[:]))
}
