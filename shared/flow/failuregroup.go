package flow

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// groupCauseMax is how many bytes of a cause count for its group.
const groupCauseMax = 512

// FailureGroup returns the key of the group that a failure belongs to: failures of one flow in the
// same state, with the same error name, whose causes differ in numbers and ids alone.
func FailureGroup(flowName, state string, err *Error) uint64 {
	name, cause := "", ""
	if err != nil {
		name, cause = err.Name, CauseOutline(err.Cause)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{flowName, state, name, cause}, "\x00")))
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// FormatGroup returns a group as the API shows it; "" for 0.
func FormatGroup(group uint64) string {
	if group == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", group)
}

// CauseOutline returns the beginning of a cause with each word that has a digit replaced by #. A word
// has letters, digits, "-", "_", "." and ":" within; so ids, times, addresses and amounts are gone.
func CauseOutline(cause string) string {
	cause = cause[:min(len(cause), groupCauseMax)]
	var b strings.Builder
	for len(cause) > 0 {
		end := strings.IndexFunc(cause, isNoWord)
		if end < 0 {
			end = len(cause)
		}
		if word := cause[:end]; strings.ContainsAny(word, "0123456789") {
			b.WriteByte('#')
		} else {
			b.WriteString(word)
		}
		rest := cause[end:]
		next := strings.IndexFunc(rest, func(r rune) bool { return !isNoWord(r) })
		if next < 0 {
			next = len(rest)
		}
		b.WriteString(rest[:next])
		cause = rest[next:]
	}
	return b.String()
}

func isNoWord(r rune) bool {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r > 127:
		return false
	}
	return !strings.ContainsRune("-_.:", r)
}
