package mnsqueue

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bodyVersion is the version of message bodies that this code writes.
const bodyVersion = 1

// partitionMax is the longest partition of a store, in bytes.
const partitionMax = 2048

// Errors of Decode.
var (
	// ErrBody: the body is not a hint, and never will be.
	ErrBody = errors.New("mnsqueue: not a hint")
	// ErrVersion: the body was written by a newer program. Leave the message in the queue for that.
	ErrVersion = errors.New("mnsqueue: a hint of a newer version; run the newer program")
)

// body is a hint: {"v":1,"p":"x#flow#execution"}. It says nothing else (R1).
type body struct {
	Version   int    `json:"v"`
	Partition string `json:"p"`
}

// Plain is a hint as JSON: what EventBridge makes of a message, and what a function gets that is invoked for one hint.
func Plain(partition string) ([]byte, error) {
	if partition == "" || len(partition) > partitionMax || !utf8.ValidString(partition) {
		return nil, fmt.Errorf("mnsqueue: no partition: %.40q", partition)
	}
	return json.Marshal(body{bodyVersion, partition})
}

// Encode is the body of a message: the hint in base64, for MNS refuses characters that XML cannot have, and EventBridge
// expects it.
func Encode(partition string) (string, error) {
	text, err := Plain(partition)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(text), nil
}

// Decode gives the partition that a message's body names, in base64 or plain, or an error that wraps ErrBody or
// ErrVersion. Members that it does not know are left aside.
func Decode(text string) (partition string, err error) {
	plain := []byte(strings.TrimSpace(text))
	if len(plain) > 0 && plain[0] != '{' {
		if plain, err = base64.StdEncoding.DecodeString(string(plain)); err != nil {
			return "", fmt.Errorf("%w: neither JSON nor base64: %.80q", ErrBody, text)
		}
	}
	var b body
	if err := json.Unmarshal(plain, &b); err != nil {
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
