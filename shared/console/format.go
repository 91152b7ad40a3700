package console

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"millrace/shared/rpc/client"
)

// shownTime returns a time as the page shows it before a script puts it into the reader's zone.
func shownTime(t client.Timestamp) string {
	if t == "" {
		return ""
	}
	return t.Time().UTC().Format("2006-01-02 15:04:05 UTC")
}

// shownAgo returns a function that says how long ago a time is.
func shownAgo(now func() time.Time) func(client.Timestamp) string {
	return func(t client.Timestamp) string {
		if t == "" {
			return ""
		}
		return roughly(now().Sub(t.Time()))
	}
}

// took says how long something took; "" while it has not ended.
func took(from, to client.Timestamp) string {
	if from == "" || to == "" {
		return ""
	}
	return roughly(to.Time().Sub(from.Time()))
}

// roughly returns a duration with two digits or so: "430 ms", "12 s", "3 min", "5 h", "2 d".
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 2*time.Minute:
		return strconv.FormatInt(int64(d.Seconds()), 10) + " s"
	case d < 2*time.Hour:
		return strconv.FormatInt(int64(d.Minutes()), 10) + " min"
	case d < 48*time.Hour:
		return strconv.FormatInt(int64(d.Hours()), 10) + " h"
	}
	return strconv.FormatInt(int64(d.Hours()/24), 10) + " d"
}

// pretty returns JSON text with line breaks, its numbers and duplicate keys as they are; any other
// text as it is.
func pretty(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
