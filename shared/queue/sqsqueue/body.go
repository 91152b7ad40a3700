package sqsqueue

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// bodyVersion is the version of message bodies that this code writes.
const bodyVersion = 1

// partitionMax is the longest partition of a store, in bytes.
const partitionMax = 2048

// Errors of Decode.
var (
	// ErrBody: the body is not a hint. It never will be: let it go to the dead-letter queue.
	ErrBody = errors.New("sqsqueue: not a hint")
	// ErrVersion: the body was written by a newer program. Leave the message in the queue for that.
	ErrVersion = errors.New("sqsqueue: a hint of a newer version; run the newer program")
)

// body is a message: {"v":1,"p":"x#flow#execution"}. A hint says nothing else (R1).
type body struct {
	Version   int    `json:"v"`
	Partition string `json:"p"`
}

// Encode is the body of a hint. It is ASCII: JSON may hold characters as they are that SQS, which takes those of XML
// 1.0, refuses.
func Encode(partition string) (string, error) {
	if partition == "" || len(partition) > partitionMax || !utf8.ValidString(partition) {
		return "", fmt.Errorf("sqsqueue: no partition: %.40q", partition)
	}
	b, err := json.Marshal(body{bodyVersion, partition})
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

// Decode gives the partition that a message's body names, or an error that wraps ErrBody or ErrVersion. Members that
// it does not know are left aside.
func Decode(text string) (partition string, err error) {
	var b body
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return "", fmt.Errorf("%w: %.80q: %w", ErrBody, text, err)
	}
	switch {
	case b.Version > bodyVersion:
		return "", fmt.Errorf("%w: version %d", ErrVersion, b.Version)
	case b.Version != bodyVersion, b.Partition == "", len(b.Partition) > partitionMax:
		return "", fmt.Errorf("%w: %.80q", ErrBody, text)
	}
	return b.Partition, nil
}
