package sqsqueue

import (
	"fmt"
	"unicode/utf16"

	"millrace/shared/queue"
)

// Encode is the body of a hint. It is ASCII: JSON may hold characters as they are that SQS, which takes those of XML
// 1.0, refuses.
func Encode(partition string) (string, error) {
	b, err := queue.Encode(partition)
	if err != nil {
		return "", err
	}
	return ascii(b), nil
}

// ascii writes every other character of a JSON text as an escape.
func ascii(text []byte) string {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", high, low)
		}
	}
	return string(out)
}

// Decode gives the partition that a message's body names, or an error that wraps queue.ErrBody or queue.ErrVersion.
// Members that it does not know are left aside.
func Decode(text string) (partition string, err error) { return queue.Decode([]byte(text)) }
