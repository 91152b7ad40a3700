package value

import "errors"

// What a decoded value is charged, in bytes. Go holds at most this much for it at one time, the
// decoder's stacks included, and has allocated at most half as much again (TestDecodeMemory
// measures it): an element is a slot of its array, a slot of the stack while that doubles, and the
// header of its string or number; an object is a table of eight slots, however few of them are
// used.
const (
	valueMemory  = 64  // an element, or the value of a member
	nameMemory   = 96  // the name of a member, and its slot in a table of up to twice as many
	objectMemory = 256 // an object, with its first table
	emptyMemory  = 48  // an object or array without anything in it, beside its slots
)

// MemoryDefault is what Decode lets a value take, in bytes. A text of 1 MB, the largest result of a
// task, may hold half a million numbers, or 100,000 objects of one member; one of less than 600,000
// bytes never meets the bound. What meets it are larger texts made of nothing but small objects,
// such as [{"":0},{"":0},…], which take 70 times their size.
const MemoryDefault = 48 << 20

// NumberMax bounds a number, in characters: comparing and adding numbers takes time that grows with
// their length.
const NumberMax = 1000

// ErrMemory says that a text holds more values than the memory it may take. Its length alone is no
// measure of that.
var ErrMemory = errors.New("the JSON text holds too many values: decoded, it would take too much memory")

// Cost returns about what DecodeWithin charges for a text, rather more than less and at most
// MemoryDefault, and two copies of the text: the bytes that a caller of Decode may come to hold. It
// does not look at whether the text is JSON.
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

// CostMax returns what Cost is at most for n bytes of a text that is not in UTF-8 yet, and for
// the text when it is.
func CostMax(n int) int {
	const most = 96 // bytes a byte of text: {"":{"":… takes 83
	return min(n, MemoryDefault/most)*most + 5*n
}
