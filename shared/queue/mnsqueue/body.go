package mnsqueue

import (
	"encoding/base64"
	"fmt"
	"strings"

	"millrace/shared/queue"
)

// EncodeJSON returns a hint as JSON: the form into which EventBridge decodes a message, and the
// input of a function that is invoked for one hint.
func EncodeJSON(partition string) ([]byte, error) { return queue.Encode(partition) }

// Encode returns the body of a message: the hint in base64, because MNS rejects characters that XML
// does not allow, and EventBridge expects base64.
func Encode(partition string) (string, error) {
	text, err := queue.Encode(partition)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(text), nil
}

// Decode returns the partition in a message's body, in base64 or plain, or an error that wraps
// queue.ErrBody or queue.ErrVersion. It ignores unknown members.
func Decode(text string) (partition string, err error) {
	plain := []byte(strings.TrimSpace(text))
	if len(plain) > 0 && plain[0] != '{' {
		if plain, err = base64.StdEncoding.DecodeString(string(plain)); err != nil {
			_, err = queue.Decode([]byte(text)) // the error has a digest of the text
			return "", fmt.Errorf("neither JSON nor base64: %w", err)
		}
	}
	return queue.Decode(plain)
}
