package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"millrace/shared/value"
)

// bodyVersion is the version of bodies that this code writes.
const bodyVersion = 1

// partitionMax is the longest partition of a store, in bytes.
const partitionMax = 2048

// Errors of Decode.
var (
	// ErrBody: the body is not a hint, and never will be.
	ErrBody = errors.New("queue: not a hint")
	// ErrVersion: the body was written by a newer program. Leave the message in the queue for that.
	ErrVersion = errors.New("queue: a hint of a newer version; run the newer program")
)

// body is a hint: {"v":1,"p":"x#flow#execution"}. It says nothing else (R1).
type body struct {
	Version   int    `json:"v"`
	Partition string `json:"p"`
}

// Encode writes a hint as JSON, for queues outside this process. An error says that no hint can name this partition:
// it is empty, longer than 2,048 bytes or no UTF-8.
func Encode(partition string) ([]byte, error) {
	if partition == "" || len(partition) > partitionMax || !utf8.ValidString(partition) {
		return nil, fmt.Errorf("queue: no partition: %.40q", partition)
	}
	return json.Marshal(body{bodyVersion, partition})
}

// Decode gives the partition that a hint in JSON names, or an error that wraps ErrBody or ErrVersion. Members that it
// does not know are left aside. Errors do not quote the text: it may be somebody else's secret.
func Decode(text []byte) (partition string, err error) {
	var b body
	if err := value.Unmarshal(text, &b); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrBody, value.Digest(text), err)
	}
	switch {
	case b.Version > bodyVersion:
		return "", fmt.Errorf("%w: version %d", ErrVersion, b.Version)
	case b.Version != bodyVersion, b.Partition == "", len(b.Partition) > partitionMax:
		return "", fmt.Errorf("%w: %s", ErrBody, value.Digest(text))
	}
	return b.Partition, nil
}
