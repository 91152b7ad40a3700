// Package chart draws charts as SVG: a timeline of bars, columns over time, and the shares of a
// whole. Every text in them is escaped, so names from strangers stay text. The colours are those of
// Style.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Row is a line of a timeline.
type Row struct {
	Label string
	Depth int // how deep it is in others
	Bars  []Bar
}

// Bar is something that took time.
type Bar struct {
	From, To time.Time
	Class    string // one of those of Style: "succeeded", "failed", "running", "waiting", "aborted"
	Narrow   bool   // below another bar: an attempt of an entry
	Title    string // what it is, for a reader who points at it
}

// The measures of a timeline, in pixels.
const (
	labelWidth = 230
	lineWidth  = 760
	rowHeight  = 22
	headHeight = 24
	labelRunes = 30
)

// Timeline draws rows over one scale of time; "" if there is no bar. took returns the words for a
// duration.
func Timeline(title string, rows []Row, took func(time.Duration) string) string {
	var times []time.Time
	for _, row := range rows {
		for _, b := range row.Bars {
			times = append(times, b.From, b.To)
		}
	}
	if len(times) == 0 {
		return ""
	}
	s := newScale(times, lineWidth)
	height := headHeight + rowHeight*len(rows)
	p := &picture{}
	p.open("timeline", title, labelWidth+lineWidth+10, height)
	p.head(s, height, took)
	for i, row := range rows {
		p.row(s, row, headHeight+float64(rowHeight*i))
	}
	p.f("</svg>\n")
	return p.b.String()
}

// picture writes SVG.
type picture struct{ b strings.Builder }

func (p *picture) f(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *picture) open(class, title string, width, height int) {
	p.f(`<svg xmlns="http://www.w3.org/2000/svg" class="chart %s" role="img" width="%d" height="%d"`+
		` viewBox="0 0 %d %d" aria-label="%s">`+"\n", class, width, height, width, height, text(title))
}

// head writes how long the whole took, and the folded stretches with their lengths.
func (p *picture) head(s *scale, height int, took func(time.Duration) string) {
	last := &s.parts[len(s.parts)-1]
	p.f(`<text class="soft" x="%d" y="15">%s</text>`+"\n", labelWidth,
		text(took(last.to.Sub(s.parts[0].from))))
	for i := range s.parts {
		if q := &s.parts[i]; q.folded {
			p.f(`<rect class="fold" x="%s" y="%d" width="%s" height="%d"><title>%s</title></rect>`+
				`<text class="soft middle" x="%s" y="15">⋯ %s</text>`+"\n", num(labelWidth+q.x),
				headHeight-4, num(q.w), height-headHeight+4, text(took(q.length())),
				num(labelWidth+q.x+q.w/2), text(took(q.length())))
		}
	}
}

func (p *picture) row(s *scale, row Row, y float64) {
	indent := min(row.Depth, 8) * 12
	p.f(`<text x="%d" y="%s"><title>%s</title>%s</text>`+"\n", indent, num(y+15),
		text(row.Label), text(shorten(row.Label, labelRunes-indent/8)))
	for _, b := range row.Bars {
		from, to := s.at(b.From), s.at(b.To)
		top, height := y+4, 13.0
		if b.Narrow {
			top, height = y+17, 3
		}
		p.f(`<rect class="%s" x="%s" y="%s" width="%s" height="%s"><title>%s</title></rect>`+"\n",
			text(b.Class), num(labelWidth+from), num(top), num(math.Max(to-from, 2)), num(height),
			text(b.Title))
	}
}

// num writes a length with at most one decimal.
func num(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

// text returns a text as it stands in XML, without what would change how others are read.
func text(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) || r == utf8.RuneError {
			return '�'
		}
		return r
	}, strings.Join(strings.Fields(s), " ")))
}

func shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
