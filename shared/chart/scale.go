package chart

import (
	"slices"
	"time"
)

// scale places times on a line of a width. Long stretches in which nothing changes are folded: each
// takes a small part of the line, so that what happens around them can be seen.
type scale struct {
	parts []part
	width float64
}

// part is the time between two changes.
type part struct {
	from, to time.Time
	x, w     float64
	folded   bool
}

const (
	foldsMax = 8
	// A stretch is folded if it is longer than this share of all that is not folded.
	foldShare = 0.75
	// foldedShare is the part of the line that a folded stretch takes.
	foldedShare = 0.06
)

// newScale returns the scale over times, which it sorts. There must be one at least.
func newScale(times []time.Time, width float64) *scale {
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	s := &scale{width: width}
	for i := 1; i < len(times); i++ {
		s.parts = append(s.parts, part{from: times[i-1], to: times[i]})
	}
	if len(s.parts) == 0 { // everything at one moment
		s.parts = []part{{from: times[0], to: times[0].Add(time.Millisecond)}}
	}
	left := s.fold()
	folds := 0.0
	for _, p := range s.parts {
		if p.folded {
			folds++
		}
	}
	open := width * (1 - folds*foldedShare)
	x := 0.0
	for i := range s.parts {
		p := &s.parts[i]
		p.x, p.w = x, width*foldedShare
		if !p.folded {
			p.w = open * float64(p.to.Sub(p.from)) / float64(left)
		}
		x += p.w
	}
	return s
}

// fold folds the longest stretches and returns how long the others are together. One part is never
// folded: there must be something to see.
func (s *scale) fold() time.Duration {
	left := s.parts[len(s.parts)-1].to.Sub(s.parts[0].from)
	order := make([]int, len(s.parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(s.parts[b].length()/time.Millisecond) - int(s.parts[a].length()/time.Millisecond)
	})
	for _, i := range order[:min(foldsMax, len(order)-1)] {
		p := &s.parts[i]
		if float64(p.length()) < foldShare*float64(left) {
			break
		}
		p.folded = true
		left -= p.length()
	}
	return max(left, 1)
}

func (p *part) length() time.Duration { return p.to.Sub(p.from) }

// at returns the place of a time on the line.
func (s *scale) at(t time.Time) float64 {
	i, _ := slices.BinarySearchFunc(s.parts, t, func(p part, t time.Time) int {
		return p.to.Compare(t)
	})
	if i >= len(s.parts) {
		return s.width
	}
	p := &s.parts[i]
	if t.Before(p.from) {
		return p.x
	}
	return p.x + p.w*float64(t.Sub(p.from))/float64(p.length())
}
