package flow

import "time"

// FormatTime writes a time as the wire does: UTC with milliseconds; "" for 0.
func FormatTime(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
