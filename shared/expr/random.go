package expr

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"millrace/shared/value"
)

// drawSteps is the cost of a random draw, which computes a hash.
const drawSteps = 8

// uuidNode returns a random UUID, version 4, from one draw.
type uuidNode struct{}

func newUUID([]node) (node, error) { return uuidNode{}, nil }

func (uuidNode) eval(env Env, b *Budget) (any, error) {
	if err := b.step(drawSteps); err != nil {
		return nil, err
	}
	id := env.Random()
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	var text [36]byte
	at := 0
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		at += hex.Encode(text[at:], []byte{c})
	}
	return b.text(string(text[:]))
}

// randomIntNode returns a random integer from a range, from one draw.
type randomIntNode struct{ min, max node }

func newRandomInt(args []node) (node, error) { return &randomIntNode{args[0], args[1]}, nil }

func (n *randomIntNode) eval(env Env, b *Budget) (any, error) {
	x, y, err := evalPair(n.min, n.max, env, b)
	if err != nil {
		return nil, err
	}
	min, err := wantInt("randomInt", "first", x, b)
	if err != nil {
		return nil, err
	}
	max, err := wantInt("randomInt", "second", y, b)
	if err != nil {
		return nil, err
	}
	if min >= max {
		return nil, failf("randomInt: the range from %d up to %d is empty", min, max)
	}
	if err := b.step(drawSteps); err != nil {
		return nil, err
	}
	draw := env.Random()
	span := uint64(max) - uint64(min)
	// The remainder of 128 random bits is almost uniform: its bias is below 2^-64.
	offset := bits.Rem64(binary.BigEndian.Uint64(draw[:8]), binary.BigEndian.Uint64(draw[8:]), span)
	return value.FromInt(int64(uint64(min) + offset)), b.grow(numberBytes)
}
