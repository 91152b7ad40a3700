package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// errTime is the error for a text that is not a time.
var errTime = errors.New("it is a time like 2026-11-22T10:00:00Z, 2026-11-22T10:00+08:00 or " +
	"\"2026-11-22 10:00\" (the seconds and the zone may be left out; UTC without), a day like " +
	"2026-11-22, or how long ago: 90m, 3h, 7d")

// timeLayouts are the accepted forms of a time: with T or a blank, with or without seconds, with or
// without a zone (then UTC); or a day.
var timeLayouts = [...]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", time.DateOnly,
}

// parseTime parses a time, or how long ago it was, and returns it in the format of the wire; ""
// stays "".
func parseTime(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	written := strings.ToUpper(text) // t and z may be lower case
	if day, clock, ok := strings.Cut(written, " "); ok {
		written = day + "T" + clock
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, written); err == nil {
			return wireTime(t)
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return wireTime(now.AddDate(0, 0, -int(n)))
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return wireTime(now.Add(-d))
	}
	return "", errTime
}

func wireTime(t time.Time) (string, error) {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return "", errTime
	}
	return t.Format("2006-01-02T15:04:05.000Z"), nil
}
