package sign

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Request is what a V3 signature covers. The path is always `/`.
type Request struct {
	Method   string
	Query    []Param // of the URL only: the hash covers the body
	Headers  Headers // the signed headers
	BodyHash string  // BodyHash(raw body)
}

// V3 returns the Signature part of the Authorization header.
func (k *Key) V3(r *Request) string {
	s := k.v3.Get().(*scratch)
	defer s.release(&k.v3)
	return string(s.v3(r))
}

// VerifyV3 reports whether signature is the one that V3 returns. Its duration does not depend on
// how much of signature is right.
func (k *Key) VerifyV3(r *Request, signature string) bool {
	s := k.v3.Get().(*scratch)
	defer s.release(&k.v3)
	return subtle.ConstantTimeCompare(s.v3(r), []byte(signature)) == 1
}

// v3 returns the signature in hex. It is valid until the next use of s.
func (s *scratch) v3(r *Request) []byte {
	s.text = appendV3(s.text[:0], r, s.sort(r.Query))
	sum := sha256.Sum256(s.text)
	s.text = append(s.text[:0], Algorithm...)
	s.text = append(s.text, '\n')
	s.text = hex.AppendEncode(s.text, sum[:])
	s.text = hex.AppendEncode(s.text[:0], s.keyed())
	return s.text
}

// appendV3 appends the canonical request.
func appendV3(dst []byte, r *Request, query []Param) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, "\n/\n"...)
	dst = AppendForm(dst, query)
	dst = append(dst, '\n')
	dst = r.Headers.appendTo(dst)
	dst = append(dst, '\n')
	return append(dst, r.BodyHash...)
}

// emptyHash is the BodyHash of an empty body.
var emptyHash = hexHash(nil)

// BodyHash returns the SHA-256 of a body in lower-case hex.
func BodyHash(body []byte) string {
	if len(body) == 0 {
		return emptyHash
	}
	return hexHash(body)
}

func hexHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
