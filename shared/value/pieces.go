package value

import (
	"bytes"
	"encoding/json"
)

// The functions of this file cut a text that is known to be JSON. They build no values.

func trimBlanks(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// inside returns the text between the brackets of an array or object, without blanks around it.
func inside(text []byte) []byte { return trimBlanks(text[1 : len(text)-1]) }

// cutValue cuts the first value of a list, and the comma after it. The list must not begin with
// blanks.
func cutValue(list []byte) (v, rest []byte) {
	end := valueEnd(list)
	rest = bytes.TrimLeft(list[end:], " \t\r\n")
	if len(rest) > 0 {
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	}
	return list[:end], rest
}

// cutMember cuts the first member of an object's inside.
func cutMember(object []byte) (name, member, rest []byte) {
	end := valueEnd(object)
	if quoted := object[:end]; bytes.IndexByte(quoted, '\\') < 0 {
		name = quoted[1 : end-1]
	} else {
		var decoded string
		_ = json.Unmarshal(quoted, &decoded) // it is a string
		name = []byte(decoded)
	}
	behind := bytes.TrimLeft(object[end:], " \t\r\n")[1:] // the colon
	member, rest = cutValue(bytes.TrimLeft(behind, " \t\r\n"))
	return name, member, rest
}

// valueEnd returns the length of the value at the start of a text.
func valueEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			if end := bytes.IndexAny(text[i:], ",:]} \t\r\n"); end >= 0 {
				return i + end
			}
			return len(text)
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// stringEnd returns the offset of the closing quote of the string that begins at an offset.
func stringEnd(text []byte, begin int) int {
	for i := begin + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text) - 1
}
