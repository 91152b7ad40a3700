package mnsqueue

import (
	"encoding/base64"
	"fmt"
	"strings"

	"millrace/shared/queue"
)

// EncodeJSON is a hint as JSON: what EventBridge makes of a message, and what a function gets that is invoked for one hint.
func EncodeJSON(partition string) ([]byte, error) { return queue.Encode(partition) }

// Encode is the body of a message: the hint in base64, for MNS refuses characters that XML cannot have, and EventBridge
// expects it.
func Encode(partition string) (string, error) {
	text, err := queue.Encode(partition)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(text), nil
}

// Decode gives the partition that a message's body names, in base64 or plain, or an error that wraps queue.ErrBody or
// queue.ErrVersion. Members that it does not know are left aside.
func Decode(text string) (partition string, err error) {
	plain := []byte(strings.TrimSpace(text))
	if len(plain) > 0 && plain[0] != '{' {
		if plain, err = base64.StdEncoding.DecodeString(string(plain)); err != nil {
			_, err = queue.Decode([]byte(text)) // says which text it is
			return "", fmt.Errorf("neither JSON nor base64: %w", err)
		}
	}
	return queue.Decode(plain)
}
