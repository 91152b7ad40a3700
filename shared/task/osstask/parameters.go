package osstask

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"millrace/shared/value"
)

// getRequest is a parsed request.
type getRequest struct {
	bucket, key, region, versionID string
	bytes                          string // value of the header Range, or ""
	match, noneMatch               string
}

// keyMax is the maximum length of a key in OSS, in bytes.
const keyMax = 1023

// parse reads the parameters. It does not validate bucket and region; they are validated when they
// become part of a host name.
func parse(raw json.RawMessage) (*getRequest, error) {
	p := map[string]json.RawMessage{}
	if len(raw) > 0 && value.Unmarshal(raw, &p) != nil {
		return nil, errors.New("the parameters must be an object")
	}
	g := &getRequest{}
	var bytes string
	for name, to := range map[string]*string{"bucket": &g.bucket, "key": &g.key,
		"region": &g.region, "versionId": &g.versionID,
		"range": &bytes, "ifMatch": &g.match, "ifNoneMatch": &g.noneMatch} {
		if v := p[name]; len(v) > 0 && string(v) != "null" && value.Unmarshal(v, to) != nil {
			return nil, fmt.Errorf("%s must be a text", name)
		}
	}
	switch {
	case g.bucket == "":
		return nil, errors.New("bucket is required, a text")
	case g.key == "":
		return nil, errors.New("key is required, a text")
	case len(g.key) > keyMax || !utf8.ValidString(g.key):
		return nil, fmt.Errorf("key %q: a key is UTF-8, of %d bytes at most", value.Cut(g.key, 60),
			keyMax)
	}
	for name, v := range map[string]string{
		"versionId": g.versionID, "ifMatch": g.match, "ifNoneMatch": g.noneMatch,
	} {
		if !visible(v) {
			return nil, fmt.Errorf("%s cannot be %q", name, value.Cut(v, 60))
		}
	}
	var err error
	g.bytes, err = rangeHeader(bytes)
	g.region = strings.TrimPrefix(g.region, "oss-")
	return g, err
}

// visible reports whether a text is safe in a header.
func visible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 1024
}

// rangeHeader returns the header for a range as flows write it: "1024-", "1024~2048", "-100" for
// the last hundred bytes.
func rangeHeader(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	text := strings.Replace(strings.TrimPrefix(s, "bytes="), "~", "-", 1)
	from, to, ok := strings.Cut(text, "-")
	if !ok || !digits(from) || !digits(to) || from == "" && to == "" {
		return "", fmt.Errorf("range %q: it is first~last, first~ or ~count, in bytes",
			value.Cut(s, 60))
	}
	return "bytes=" + text, nil
}

// digits reports whether s consists of at most 18 digits; it may be empty.
func digits(s string) bool { return len(s) <= 18 && strings.Trim(s, "0123456789") == "" }
