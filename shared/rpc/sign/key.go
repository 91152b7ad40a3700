package sign

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"slices"
	"strings"
	"sync"
)

// Key is a secret prepared for signing: its keyed hashes are reused. It is safe for concurrent use.
// A Key must not be copied.
type Key struct{ v1, v3 sync.Pool }

// NewKey prepares the secret of an access key.
func NewKey(secret string) *Key {
	k := &Key{}
	k.v1.New = func() any { return &scratch{mac: hmac.New(sha1.New, []byte(secret+"&"))} }
	k.v3.New = func() any { return &scratch{mac: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// scratch is the working memory of one signature.
type scratch struct {
	mac   hash.Hash
	text  []byte
	order []Param
	sum   [sha256.Size]byte
}

// textMax is the largest text buffer that a pooled scratch keeps, in bytes.
const textMax = 64 << 10

// release clears what came from a request and returns s to the pool.
func (s *scratch) release(pool *sync.Pool) {
	clear(s.order)
	s.order = s.order[:0]
	if cap(s.text) > textMax {
		s.text = nil
	}
	pool.Put(s)
}

// keyed returns the keyed hash of s.text.
func (s *scratch) keyed() []byte {
	s.mac.Reset()
	s.mac.Write(s.text)
	return s.mac.Sum(s.sum[:0])
}

// sort returns params in the order of the canonical string: by name, in byte order. Parameters of
// the same name keep the order in which they were sent, so the signature covers that order: the
// operation uses the first of them.
func (s *scratch) sort(params []Param) []Param {
	s.order = append(s.order[:0], params...)
	slices.SortStableFunc(s.order, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return s.order
}
