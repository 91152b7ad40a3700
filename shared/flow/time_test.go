package flow_test

import (
	"testing"

	"millrace/shared/flow"
)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-30T07:00:00Z":         "2026-11-30T07:00:00.000Z",
		"2026-11-30t07:00:00z":         "2026-11-30T07:00:00.000Z",
		"2026-11-30T07:00:00.25+08:00": "2026-11-29T23:00:00.250Z",
		"2016-12-31T23:59:60Z":         "2017-01-01T00:00:00.000Z",
		"2017-01-01t07:59:60.5+08:00":  "2017-01-01T00:00:00.500Z",
		"2026-11-30T07:00:00,5Z":       "", "2026-11-30 07:00:00Z": "", "2026-11-30T07:00:00": "",
		"2026-11-30T07:00:61Z": "",
		"2026-11-30T07:00:60Z": "", "2026-11-30": "", "": "", "2026-13-30T07:00:00Z": "",
	} {
		at, err := flow.ParseTime(text)
		if got := at.UTC().Format("2006-01-02T15:04:05.000Z"); (err == nil) != (want != "") ||
			err == nil && got != want {
			t.Errorf("%s: %s %v, want %q", text, got, err, want)
		}
	}
}
