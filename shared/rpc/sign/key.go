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

// Key is a secret that is ready to sign: its keyed hashes are made once and used again. It is safe for many
// goroutines. A Key must not be copied.
type Key struct{ v1, v3 sync.Pool }

// NewKey prepares an access key's secret.
func NewKey(secret string) *Key {
	k := &Key{}
	k.v1.New = func() any { return &scratch{mac: hmac.New(sha1.New, []byte(secret+"&"))} }
	k.v3.New = func() any { return &scratch{mac: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// scratch is what one signature is computed in.
type scratch struct {
	mac   hash.Hash
	text  []byte
	order []Param
	sum   [sha256.Size]byte
}

// textMax bounds what a scratch keeps between two signatures.
const textMax = 64 << 10

// release clears what came from a request and gives s back.
func (s *scratch) release(pool *sync.Pool) {
	clear(s.order)
	s.order = s.order[:0]
	if cap(s.text) > textMax {
		s.text = nil
	}
	pool.Put(s)
}

// keyed gives the keyed hash of s.text.
func (s *scratch) keyed() []byte {
	s.mac.Reset()
	s.mac.Write(s.text)
	return s.mac.Sum(s.sum[:0])
}

// sort puts params in the order of the canonical string: by name in byte order. Parameters of one name stay in the
// order in which they were sent, so that a signature covers that order too: which of them comes first decides what
// the operation sees.
func (s *scratch) sort(params []Param) []Param {
	s.order = append(s.order[:0], params...)
	slices.SortStableFunc(s.order, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return s.order
}
