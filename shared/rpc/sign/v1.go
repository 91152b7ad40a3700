package sign

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
)

// V1 returns the Signature parameter of a request. params are those of query and form body
// together; one that is named Signature is ignored.
func (k *Key) V1(method string, params []Param) string {
	s := k.v1.Get().(*scratch)
	defer s.release(&k.v1)
	return base64.StdEncoding.EncodeToString(s.v1(method, params))
}

// VerifyV1 reports whether signature is the one that V1 returns. Its duration does not depend on
// how much of signature is right.
func (k *Key) VerifyV1(method string, params []Param, signature string) bool {
	var given [sha1.Size + 1]byte
	if len(signature) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return false
	}
	n, err := base64.StdEncoding.Strict().Decode(given[:], []byte(signature))
	if err != nil {
		return false
	}
	s := k.v1.Get().(*scratch)
	defer s.release(&k.v1)
	return hmac.Equal(given[:n], s.v1(method, params))
}

func (s *scratch) v1(method string, params []Param) []byte {
	s.mac.Reset()
	s.text = append(s.text[:0], method...)
	s.text = append(s.text, "&%2F&"...)
	first := true
	for _, p := range s.sort(params) {
		if p.Name == "Signature" {
			continue
		}
		if !first {
			s.text = append(s.text, "%26"...)
		}
		first = false
		s.hashEscaped(p.Name)
		s.text = append(s.text, "%3D"...)
		s.hashEscaped(p.Value)
	}
	s.mac.Write(s.text)
	return s.mac.Sum(s.sum[:0])
}

// hashEscaped adds v, escaped twice, to the signed text. Escaping turns one byte into up to five,
// and the caller is not authenticated yet. So a long text is hashed piece by piece, and only one
// piece is held in memory.
func (s *scratch) hashEscaped(v string) {
	const piece = 4 << 10
	for len(v) > piece {
		s.text = appendEscapedTwice(s.text, v[:piece])
		s.mac.Write(s.text)
		s.text, v = s.text[:0], v[piece:]
	}
	if s.text = appendEscapedTwice(s.text, v); len(s.text) > piece {
		s.mac.Write(s.text)
		s.text = s.text[:0]
	}
}
