package flowgen

// random generates numbers from a seed (splitmix64): always the same ones, in every release.
type random struct{ state uint64 }

// newRandom returns a generator seeded with two numbers.
func newRandom(a, b uint64) *random { return &random{a ^ b*0xd1342543de82ef95} }

// Uint64 returns the next number.
func (r *random) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IntN returns a number from 0 to n-1. n is small, so the bias of the remainder is negligible.
func (r *random) IntN(n int) int { return int((r.Uint64() >> 1) % uint64(n)) }

// Int64N is like IntN, for int64.
func (r *random) Int64N(n int64) int64 { return int64((r.Uint64() >> 1) % uint64(n)) }
