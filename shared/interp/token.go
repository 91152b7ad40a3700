package interp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// TokenBytesMax is the maximum length of a task token, in bytes (docs/api.md#reports-of-tasks).
const TokenBytesMax = 2048

// token returns the task token of an event: base64 of v1#flow#execution#id#MAC
// (docs/protocol.md#task-tokens). The MAC also covers the account, the flow's id and the run.
func (s *State) token(id int64) string {
	text := "v1#" + s.Flow + "#" + s.Name + "#" + strconv.FormatInt(id, 10) + "#" +
		base64.StdEncoding.EncodeToString(s.mac(id))
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func (s *State) mac(id int64) []byte {
	h := hmac.New(sha1.New, s.Seed[:])
	var b []byte
	for _, part := range []string{s.Account, s.FlowID} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, s.Run)
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	h.Write(b)
	return h.Sum(nil)
}

// Token is a parsed task token. It must not be trusted before State.Valid has checked it.
type Token struct {
	Flow, Execution string
	ID              int64 // of the TaskScheduled event; in FlowV1 of the StepEntered event
	mac             []byte
}

// ParseToken parses a task token. It returns false for a malformed token and for any other spelling
// of a valid one.
func ParseToken(text string) (Token, bool) {
	if len(text) > TokenBytesMax || strings.ContainsAny(text, "\r\n") { // base64 skips these
		return Token{}, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return Token{}, false
	}
	parts := strings.Split(string(raw), "#")
	if len(parts) != 5 || parts[0] != "v1" || strings.ContainsAny(parts[4], "\r\n") {
		return Token{}, false
	}
	id, err := strconv.ParseInt(parts[3], 10, 64)
	mac, merr := base64.StdEncoding.Strict().DecodeString(parts[4])
	if err != nil || merr != nil || id <= 0 || strconv.FormatInt(id, 10) != parts[3] ||
		len(mac) != sha1.Size {
		return Token{}, false
	}
	return Token{Flow: parts[1], Execution: parts[2], ID: id, mac: mac}, true
}

// Valid reports whether this execution made the token. It takes constant time.
func (s *State) Valid(t Token) bool {
	return subtle.ConstantTimeCompare(s.mac(t.ID), t.mac) == 1
}
