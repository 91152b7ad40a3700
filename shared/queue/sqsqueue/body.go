package sqsqueue

import (
	"fmt"
	"unicode/utf16"

	"millrace/shared/queue"
)

// Encode returns the body of a hint. It is ASCII, because JSON may contain characters that SQS,
// which accepts those of XML 1.0, rejects.
func Encode(partition string) (string, error) {
	b, err := queue.Encode(partition)
	if err != nil {
		return "", err
	}
	return ascii(b), nil
}

// ascii replaces each character of a JSON text that is not ASCII by an escape.
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

// Decode returns the partition in a message's body, or an error that wraps queue.ErrBody or
// queue.ErrVersion. It ignores unknown members.
func Decode(text string) (partition string, err error) { return queue.Decode([]byte(text)) }
