package sign

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
)

// V1 gives the Signature parameter of a request with these parameters, of query and form body together. A parameter
// named Signature is left out of the computation.
func (k *Key) V1(method string, params []Param) string {
	s := k.v1.Get().(*scratch)
	defer s.release(&k.v1)
	return base64.StdEncoding.EncodeToString(s.v1(method, params))
}

// VerifyV1 tells whether signature is that of V1, in a time that does not depend on how much of it is right.
func (k *Key) VerifyV1(method string, params []Param, signature string) bool {
	var given [sha1.Size + 1]byte
	if len(signature) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return false
	}
	n, err := base64.StdEncoding.Decode(given[:], []byte(signature))
	if err != nil {
		return false
	}
	s := k.v1.Get().(*scratch)
	defer s.release(&k.v1)
	return hmac.Equal(given[:n], s.v1(method, params))
}

func (s *scratch) v1(method string, params []Param) []byte {
	s.text = appendV1(s.text[:0], method, s.sort(params))
	return s.keyed()
}

// appendV1 writes the string to sign of sorted parameters.
func appendV1(dst []byte, method string, sorted []Param) []byte {
	dst = append(dst, method...)
	dst = append(dst, "&%2F&"...)
	first := true
	for _, p := range sorted {
		if p.Name == "Signature" {
			continue
		}
		if !first {
			dst = append(dst, "%26"...)
		}
		first = false
		dst = appendEscapedTwice(dst, p.Name)
		dst = append(dst, "%3D"...)
		dst = appendEscapedTwice(dst, p.Value)
	}
	return dst
}
