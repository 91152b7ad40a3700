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

// partitionMax is the maximum length of a store's partition, in bytes.
const partitionMax = 2048

// Errors of Decode.
var (
	// ErrBody means that the body is not a hint.
	ErrBody = errors.New("queue: not a hint")
	// ErrVersion means that a newer program wrote the body. The message must stay in the queue for
	// that program.
	ErrVersion = errors.New("queue: a hint of a newer version; run the newer program")
)

// body is a hint: {"v":1,"p":"x#flow#execution"}. It contains nothing else (R1).
type body struct {
	Version   int    `json:"v"`
	Partition string `json:"p"`
}

// Encode returns a hint as JSON, for queues outside this process. It returns an error if the
// partition is empty, longer than 2,048 bytes, or not UTF-8.
func Encode(partition string) ([]byte, error) {
	if partition == "" || len(partition) > partitionMax || !utf8.ValidString(partition) {
		return nil, fmt.Errorf("queue: no partition: %.40q", partition)
	}
	return json.Marshal(body{bodyVersion, partition})
}

// Decode returns the partition in a hint in JSON, or an error that wraps ErrBody or ErrVersion. It
// ignores unknown members. Errors do not quote the text, because it may be another system's secret.
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
