package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Body is the text of a message in queues that carry texts: {"v":1,"p":"<partition>"}.
func Body(partition string) string {
	text, err := json.Marshal(body{Version: bodyVersion, Partition: partition})
	if err != nil {
		panic(err) // a string and an integer
	}
	return string(text)
}

type body struct {
	Version   int    `json:"v"`
	Partition string `json:"p"`
}

// bodyVersion is the version of Body; bodyMax bounds a text that is looked at.
const (
	bodyVersion = 1
	bodyMax     = 4 << 10
)

// Errors of ParseBody, wrapped with what was seen.
var (
	// ErrBody says that a message is no hint.
	ErrBody = errors.New("queue: the message is no hint")
	// ErrVersion says that a newer program has sent a message.
	ErrVersion = errors.New("queue: the message has a version that this program does not know; run the newer program")
)

// ParseBody reads the text of a message and gives the partition that it names.
func ParseBody(text string) (partition string, err error) {
	if len(text) > bodyMax {
		return "", fmt.Errorf("%w: it has %d bytes", ErrBody, len(text))
	}
	var b body
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&b); err != nil || b.Version == 0 {
		return "", fmt.Errorf("%w: %.100q", ErrBody, text)
	}
	if b.Version != bodyVersion {
		return "", fmt.Errorf("%w: version %d", ErrVersion, b.Version)
	}
	if b.Partition == "" {
		return "", fmt.Errorf("%w: it names no partition", ErrBody)
	}
	return b.Partition, nil
}
