// Package cron computes the times that a schedule plans, from its expression: six fields in a time
// zone, or "@every <n>m" (docs/schedules.md#expressions). It reads no clock.
package cron

import (
	"time"
	_ "time/tzdata" // 450 KB: the machines of functions need not have time zones
)

// Expression is a parsed expression. It plans at most one time a minute, in whole seconds.
type Expression struct {
	every  time.Duration // of "@every <n>m"; 0: the fields below
	zone   *time.Location
	second int
	// Sets of values, as bits. Sunday is bit 0 of weekdays.
	minutes, hours, days, months, weekdays uint64
}

// searchYears is how far ahead Next looks: the Gregorian calendar repeats itself after 400 years.
const searchYears = 400

// Next returns the first planned time after a time, in UTC; the zero time if there is none. anchor
// is the time from which "@every" counts: it plans anchor plus n minutes, plus 2n minutes and so
// on. anchor has no meaning for other expressions.
//
// The six fields are those of a local time. One that does not exist, because clocks are put
// forward, is planned for the instant of the change. One that comes twice, because clocks are put
// back, is planned for the first time alone.
func (e *Expression) Next(after, anchor time.Time) time.Time {
	if e.every > 0 {
		return e.nextOfInterval(after, anchor)
	}
	local := after.In(e.zone)
	hour, minute := local.Hour(), local.Minute()
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	for last := day.Year() + searchYears; day.Year() <= last; hour, minute = 0, 0 {
		if !has(e.months, int(day.Month())) {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if has(e.days, day.Day()) && has(e.weekdays, int(day.Weekday())) {
			if t := e.nextOfDay(day, hour, minute, after); !t.IsZero() {
				return t
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

func (e *Expression) nextOfInterval(after, anchor time.Time) time.Time {
	anchor = anchor.Truncate(time.Second)
	n := int64(0)
	if after.After(anchor) {
		n = int64(after.Sub(anchor) / e.every)
	}
	return anchor.Add(time.Duration(n+1) * e.every).UTC()
}

// nextOfDay returns the first planned time after a time on a day, not before an hour and a minute
// of it; the zero time if there is none.
func (e *Expression) nextOfDay(day time.Time, hour, minute int, after time.Time) time.Time {
	for ; hour < 24; hour, minute = hour+1, 0 {
		if !has(e.hours, hour) {
			continue
		}
		for ; minute < 60; minute++ {
			if !has(e.minutes, minute) {
				continue
			}
			clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
				time.Duration(e.second)*time.Second
			if t := instant(day.Add(clock), e.zone); t.After(after) {
				return t
			}
		}
	}
	return time.Time{}
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }

// instant returns the instant of a local time, given as if its zone were UTC: the first of two, or
// the instant of the change that leaves the local time out.
func instant(local time.Time, zone *time.Location) time.Time {
	if zone == time.UTC {
		return local
	}
	y, mo, d := local.Date()
	h, mi, s := local.Clock()
	// Around a change of the offset, time.Date does not say which side it takes.
	near := time.Date(y, mo, d, h, mi, s, 0, zone)
	start, end := near.ZoneBounds()
	first := time.Time{}
	consider := func(inZone time.Time) {
		_, offset := inZone.Zone()
		t := local.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, is := t.Zone(); is == offset && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	consider(near)
	if !start.IsZero() {
		consider(start.Add(-time.Second))
	}
	if !end.IsZero() {
		consider(end)
	}
	if !first.IsZero() {
		return first.UTC()
	}
	if clockOf(near).After(local) {
		return start.UTC()
	}
	return end.UTC()
}

// clockOf returns what clocks show, as if their zone were UTC.
func clockOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
