package graph

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/shared/flow"
)

// The longest texts that are drawn, in characters. A picture has the whole text as its title.
const (
	NameMax  = 36
	LabelMax = 28
)

// Sizes of texts, in pixels.
const (
	nameSize    = 13.0
	captionSize = 11.0
)

// textWidth estimates the width of a text. It is the same on every machine, because it asks no
// font.
func textWidth(s string, size float64) float64 {
	width := 0.0
	for _, r := range s {
		switch {
		case r >= 0x1100 && wide(r):
			width++
		default:
			width += 0.6
		}
	}
	return width * size
}

// wide reports whether a character is as wide as high.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300
}

// Shorten cuts a text to n characters, the last of which then is an ellipsis.
func Shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// caption says what a state does.
func caption(s *flow.State) string {
	switch {
	case s.Task != nil && s.Task.Resource != "":
		return s.Task.Resource
	case s.Task != nil:
		return s.Task.Action
	}
	return s.Kind.String()
}

// clean replaces what must not be in a drawing: control characters, which XML forbids, and
// characters without a width or that change the direction of what follows, which hide what a name
// is. Each becomes U+FFFD.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError ||
			r&0xfffe == 0xfffe {
			return utf8.RuneError
		}
		return r
	}, s)
}
