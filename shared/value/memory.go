package value

import "errors"

// The memory charged for decoded values, in bytes. It is an upper bound of what Go holds at any
// time, the stacks of the decoder included; in total Go allocates at most half as much again
// (TestDecodeMemory measures it). An element is a slot of its array, a slot of the stack while that
// doubles, and the header of its string or number. An object is a table of eight slots, no matter
// how few are used.
const (
	valueMemory  = 64  // an element, or the value of a member
	nameMemory   = 96  // the name of a member, and its slot in a table of up to twice as many
	objectMemory = 256 // an object with its first table
	emptyMemory  = 48  // an empty object or array, in addition to its slots
)

// MemoryDefault is the memory that Decode allows for a value, in bytes. A text of 1 MB, the largest
// result of a task, may contain half a million numbers, or 100,000 objects of one member. A text of
// less than 600,000 bytes never exceeds the bound. Only larger texts that consist of tiny objects
// do, such as [{"":0},{"":0},…], which take 70 times their size.
const MemoryDefault = 48 << 20

// NumberMax is the maximum length of a number, in characters. It bounds the time for comparing and
// adding numbers, which grows with their length.
const NumberMax = 1000

// ErrMemory says that the values of a text exceed the memory they may take, which does not depend
// on its length alone.
var ErrMemory = errors.New(
	"the JSON text holds too many values: decoded, it would take too much memory")

// Cost estimates the bytes that a caller of Decode may hold: the memory charged for the text, at
// most MemoryDefault, plus two copies of the text. The estimate errs on the high side. Cost does
// not check that the text is JSON.
func Cost(text []byte) int {
	memory, inside := valueMemory, false
	for i := 0; i < len(text) && memory < MemoryDefault; i++ {
		switch c := text[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == ',':
			memory += valueMemory
		case c == ':':
			memory += nameMemory
		case c == '{':
			memory += objectMemory + valueMemory
		case c == '[':
			memory += emptyMemory + valueMemory
		}
	}
	return min(memory, MemoryDefault) + 2*len(text)
}

// CostMax returns an upper bound of Cost for a text of n bytes that may not be UTF-8 yet, plus the
// text after its conversion to UTF-8.
func CostMax(n int) int {
	const perByteMax = 96 // bytes for each byte of text: {"":{"":… takes 83
	return min(n, MemoryDefault/perByteMax)*perByteMax + 5*n
}
