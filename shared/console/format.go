package console

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"millrace/shared/rpc/client"
	"millrace/shared/value"
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

// size returns a number of bytes with two digits or so: "12 MB".
func size(bytes int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}} {
		if bytes >= 2*unit.bytes {
			return strconv.FormatInt(bytes/unit.bytes, 10) + " " + unit.name
		}
	}
	return strconv.FormatInt(bytes/1024, 10) + " KB"
}

// How much of a value a page shows, in bytes: of an input or output, and of one event of many.
const (
	shownMax  = 64 << 10
	detailMax = 1 << 10
)

// pretty returns JSON text with line breaks, its numbers and duplicate keys as they are. A text
// that would grow to more than prettyGrowth times its length, or that is none, is returned as it
// is.
func pretty(text string) string {
	var b bytes.Buffer
	if value.ExceedsDepth([]byte(text), prettyDepth) ||
		json.Indent(&b, []byte(text), "", "  ") != nil || b.Len() > prettyGrowth*len(text)+256 {
		return text
	}
	return b.String()
}

const (
	prettyDepth  = 32
	prettyGrowth = 4
)

// cutTo returns the beginning of a long text, n bytes or a little less, with an ellipsis.
func cutTo(n int, text string) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// shown returns an input or an output as a page shows it.
func shown(text string) string { return cutTo(shownMax, pretty(text)) }

// detail returns the detail of one event as a page shows it.
func detail(text string) string { return cutTo(detailMax, pretty(cutWhole(text))) }

// cutWhole cuts a text before it is made pretty if it is far longer than what is shown.
func cutWhole(text string) string { return cutTo(4*detailMax, text) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
