package server

import (
	"crypto/rand"
)

// newRequestID returns a random UUID in upper case.
func newRequestID() string {
	const digits = "0123456789ABCDEF"
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	at := 0
	for i, v := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = digits[v>>4], digits[v&15]
		at += 2
	}
	return string(text[:])
}

// validRequestID reports whether a caller may choose s as the id of its request
// (docs/api.md#responses).
func validRequestID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' &&
			c != '-' {
			return false
		}
	}
	return true
}
