package mns

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

// signature returns the signature of a request: of the method, the signed headers, and the resource
// (path and query exactly as sent). The version is the only x-mns-* header.
func signature(secret, method, resource string, h http.Header) string {
	text := method + "\n" + h.Get("Content-Md5") + "\n" + h.Get("Content-Type") + "\n" +
		h.Get("Date") + "\nx-mns-version:" +
		h.Get("X-Mns-Version") + "\n" + resource
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// digest returns the Content-MD5 of a body as the official clients send it: base64 of the
// hexadecimal digest.
func digest(body []byte) string {
	sum := md5.Sum(body)
	return base64.StdEncoding.EncodeToString(hex.AppendEncode(nil, sum[:]))
}
