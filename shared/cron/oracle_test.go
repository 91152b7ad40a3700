package cron_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNextAgainstOracle: over ten years of five zones, Next plans the times that a clock on a wall
// shows for the first time, or jumps over.
func TestNextAgainstOracle(t *testing.T) {
	from, to := at(t, "2009-06-01T00:00:00Z"), at(t, "2019-06-01T00:00:00Z")
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
		"America/Sao_Paulo", "Pacific/Apia"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			location, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{
				"0 30 2 * * *", "15 */20 0-3 * * *", "59 59 23 ? * SUN", "0 0 0 1 * ?",
				"7 5/25 * * MAR,APR,10,11 *", "0 15 1,2 * * 0-1", "0 0 0 30,31 12 ?", "0 0 12 13 * 5",
			} {
				want := newWallClock(text).planned(location, from, to)
				e := parse(t, "CRON_TZ="+zone+" "+text)
				var got []int64
				for next := e.Next(from.Add(-1), time.Time{}); next.Before(to); {
					got = append(got, next.Unix())
					next = e.Next(next, time.Time{})
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d times, want %d; first difference: %s", text, len(got),
						len(want), firstDifference(got, want))
				}
			}
		})
	}
}

func firstDifference(got, want []int64) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return time.Unix(got[i], 0).UTC().String() + ", want " +
				time.Unix(want[i], 0).UTC().String()
		}
	}
	return "one list is longer"
}

// wallClock is an independent reading of an expression: it looks at a clock once a minute.
type wallClock struct {
	second   int64
	minutes  [60]bool
	hours    [24]bool
	days     [32]bool
	months   [13]bool
	weekdays [7]bool
}

func newWallClock(text string) *wallClock {
	w := &wallClock{}
	fields := strings.Fields(text)
	w.second, _ = strconv.ParseInt(fields[0], 10, 64)
	for n := range 60 {
		w.minutes[n] = shows(fields[1], n, "")
		if n < 24 {
			w.hours[n] = shows(fields[2], n, "")
		}
		if n < 32 {
			w.days[n] = shows(fields[3], n, "")
		}
		if n < 13 {
			w.months[n] = shows(fields[4], n, "___JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC")
		}
		if n < 8 && shows(fields[5], n, "___MONTUEWEDTHUFRISATSUN") {
			w.weekdays[n%7] = true
		}
	}
	return w
}

// shows reports whether a field has a value.
func shows(field string, n int, names string) bool {
	number := func(s string) int {
		if i := strings.Index(names, s); names != "" && len(s) == 3 && i >= 0 {
			return i / 3
		}
		v, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	if list := strings.Split(field, ","); len(list) > 1 {
		return slices.ContainsFunc(list, func(item string) bool { return shows(item, n, names) })
	}
	if from, step, ok := strings.Cut(field, "/"); ok {
		first := 0
		if from != "*" {
			first = number(from)
		}
		return n >= first && (n-first)%number(step) == 0
	}
	if from, to, ok := strings.Cut(field, "-"); ok {
		return n >= number(from) && n <= number(to)
	}
	return field == "*" || field == "?" || n == number(field)
}

// planned watches the clock from one time to another. Minutes that the clock has shown before do
// not count again; minutes that it jumps over count when it does.
func (w *wallClock) planned(zone *time.Location, from, to time.Time) (times []int64) {
	shown := int64(0) // the last minute that the clock has shown, since 1970 in local time
	for minute := from.Unix() / 60; minute < to.Unix()/60; minute++ {
		_, offset := time.Unix(minute*60, 0).In(zone).Zone()
		local := minute + int64(offset)/60
		if shown == 0 {
			shown = local - 1
		}
		jumped := false
		for ; shown+1 < local; shown++ {
			jumped = jumped || w.matches(shown+1)
		}
		if jumped {
			times = append(times, minute*60)
		}
		if shown < local {
			if shown = local; w.matches(local) && (!jumped || w.second > 0) {
				times = append(times, minute*60+w.second)
			}
		}
	}
	return times
}

func (w *wallClock) matches(localMinute int64) bool {
	if !w.minutes[localMinute%60] || !w.hours[localMinute/60%24] {
		return false
	}
	day := time.Unix(localMinute*60, 0).UTC()
	return w.days[day.Day()] && w.months[day.Month()] && w.weekdays[day.Weekday()]
}
