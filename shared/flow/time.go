package flow

import (
	"bytes"
	"errors"
	"time"
)

// FormatTime formats a time in ms since 1970 as on the wire: UTC with milliseconds; "" for 0.
func FormatTime(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// ParseTime parses an RFC 3339 time. It accepts lowercase t and z, and reads the leap second 60 as
// the first second of the next minute. Unlike Go, it rejects a comma before the fraction.
func ParseTime(text string) (time.Time, error) {
	b := []byte(text)
	if len(b) > 19 && b[10] == 't' {
		b[10] = 'T'
	}
	if n := len(b); n > 19 && b[n-1] == 'z' {
		b[n-1] = 'Z'
	}
	leap := len(b) > 19 && b[17] == '6' && b[18] == '0'
	if leap {
		b[17], b[18] = '5', '9'
	}
	t, err := time.Parse(time.RFC3339, string(b))
	switch {
	case err != nil:
		return time.Time{}, err
	case bytes.IndexByte(b, ',') >= 0:
		return time.Time{}, errComma
	case leap:
		if u := t.UTC(); u.Hour() != 23 || u.Minute() != 59 {
			return time.Time{}, errLeap
		}
		t = t.Add(time.Second)
	}
	return t, nil
}

var (
	errComma = errors.New("flow: a fraction of a second follows a point")
	errLeap  = errors.New("flow: a leap second is the last of a day of UTC")
)
