package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/shared/chart"
)

func took(d time.Duration) string { return d.String() }

// wellFormed checks that a picture is XML whose elements are those of a drawing.
func wellFormed(t *testing.T, picture string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v: %s", err, picture)
		}
		if e, ok := token.(xml.StartElement); ok &&
			!strings.Contains(" svg rect text title path ", " "+e.Name.Local+" ") {
			t.Errorf("an element %s", e.Name.Local)
		}
	}
}

// widths returns the widths of the bars of a class, in their order.
func widths(t *testing.T, picture, class string) (list []float64) {
	t.Helper()
	found := regexp.MustCompile(`class="`+class+`"[^>]* width="([0-9.]+)"`).FindAllStringSubmatch(
		picture, -1)
	for _, m := range found {
		w, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, w)
	}
	return list
}

// TestTimeline: bars are as long as they took, and a stretch in which nothing changes is folded, so
// that a second before a wait of three days can be seen.
func TestTimeline(t *testing.T) {
	zero := time.Unix(1_700_000_000, 0)
	at := func(d time.Duration) time.Time { return zero.Add(d) }
	day := 24 * time.Hour
	even := chart.Timeline("t", []chart.Row{
		{Label: "A", Bars: []chart.Bar{{From: zero, To: at(time.Second), Class: "succeeded"}}},
		{Label: "B", Bars: []chart.Bar{{From: at(time.Second), To: at(3 * time.Second),
			Class: "failed"}}}}, took)
	wellFormed(t, even)
	a, b := widths(t, even, "succeeded"), widths(t, even, "failed")
	if len(a) != 1 || len(b) != 1 || b[0] < 1.9*a[0] && b[0] > 2.1*a[0] {
		t.Errorf("%v, %v", a, b)
	}
	folded := chart.Timeline("t", []chart.Row{
		{Label: "A", Bars: []chart.Bar{{From: zero, To: at(time.Second), Class: "succeeded"}}},
		{Label: "W", Bars: []chart.Bar{{From: at(time.Second), To: at(3 * day), Class: "waiting"}}},
		{Label: "B", Bars: []chart.Bar{{From: at(3 * day), To: at(3*day + time.Second),
			Class: "failed"}}}}, took)
	wellFormed(t, folded)
	if a := widths(t, folded, "succeeded"); a[0] < 200 {
		t.Errorf("a second beside three days is %v wide", a)
	}
	if !strings.Contains(folded, `class="fold"`) || !strings.Contains(folded, "71h59m59s") {
		t.Error("the folded stretch is not shown")
	}
	if chart.Timeline("t", nil, took) != "" {
		t.Error("a timeline of nothing")
	}
	wellFormed(t, chart.Timeline("t", []chart.Row{{Bars: []chart.Bar{{From: zero, To: zero}}}}, took))
}

// TestHostileTexts: what a stranger wrote stays text in every chart.
func TestHostileTexts(t *testing.T) {
	const hostile = `"><script>x</script>` + "\u202e\x00\xff"
	now := time.Unix(1, 0)
	for _, picture := range []string{
		chart.Timeline(hostile, []chart.Row{{Label: hostile, Bars: []chart.Bar{
			{From: now, To: now, Class: hostile, Title: hostile}}}}, took),
		chart.Columns(hostile, hostile, hostile, chart.Series{Name: hostile, Class: hostile,
			Values: []int64{1}}),
		chart.Shares(hostile, 1, chart.Part{Name: hostile, Class: hostile, Value: 1})} {
		wellFormed(t, picture)
		if strings.Contains(picture, "<script") || strings.Contains(picture, "\u202e") {
			t.Errorf("%s", picture)
		}
	}
}

// TestColumns: the highest column is the greatest value, nothing has no height, and little is seen.
func TestColumns(t *testing.T) {
	picture := chart.Columns("t", "a", "b", chart.Series{Name: "n", Class: "succeeded",
		Values: []int64{0, 1, 10000}})
	wellFormed(t, picture)
	heights := regexp.MustCompile(`height="([0-9.]+)"><title>n`).FindAllStringSubmatch(picture, -1)
	if len(heights) != 3 || heights[0][1] != "0" || heights[1][1] != "2" || heights[2][1] != "64" {
		t.Errorf("%v", heights)
	}
	if chart.Columns("t", "", "") != "" {
		t.Error("columns of nothing")
	}
}

// TestShares: the parts fill the bar, each as much as it is.
func TestShares(t *testing.T) {
	picture := chart.Shares("t", 0.5, chart.Part{Name: "a", Class: "succeeded", Value: 3},
		chart.Part{Name: "b", Class: "failed", Value: 1}, chart.Part{Name: "c", Class: "pending"})
	wellFormed(t, picture)
	if a, b := widths(t, picture, "succeeded"), widths(t, picture, "failed"); a[0] != 450 ||
		b[0] != 150 || strings.Contains(picture, "pending") || !strings.Contains(picture, "M300 0") {
		t.Error(picture)
	}
}
