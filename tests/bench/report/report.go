// Package report holds the results of a benchmark run and writes them as a table or as JSON.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Figure is one measured figure. The table leaves out zero values.
type Figure struct {
	Scenario string
	Clients  int     `json:",omitempty"`
	Unit     string  // the counted unit: "executions", "calls", "starts"
	Ours     float64 `json:",omitempty"` // per second
	Ceiling  float64 `json:",omitempty"` // per second, with one exchange between client and server
	// per second, with start and end in two exchanges, as in the API
	Apart float64 `json:",omitempty"`

	P50, P99   time.Duration `json:",omitempty"` // latency as the client sees it
	ServerCPU  time.Duration `json:",omitempty"` // per unit
	CeilingCPU time.Duration `json:",omitempty"` // CPU time of the ceiling's server, per unit
	// CPU time of clients and task server together, per unit
	ClientCPU time.Duration `json:",omitempty"`
	Resident  int64         `json:",omitempty"` // memory of the engine's server at the end, bytes

	Floors []Floor `json:",omitempty"`
	Notes  []Note  `json:",omitempty"`
}

// Floor is a bound that a figure must reach, and whether it does.
type Floor struct {
	Text string // "at least half of the ceiling"
	Got  string
	OK   bool
}

// Note is a reading beside the figure.
type Note struct{ Name, Value string }

// Report is one run.
type Report struct {
	Machine string
	Sync    time.Duration // median duration of a sync of a small record into allocated space
	Append  time.Duration // the same at the end of a growing file
	Figures []Figure
}

// Ratio returns Ours divided by a ceiling; 0 without a ceiling.
func (f *Figure) Ratio(ceiling float64) float64 {
	if ceiling == 0 {
		return 0
	}
	return f.Ours / ceiling
}

// HalfOf returns the floor of half the ceiling.
func (f *Figure) HalfOf() Floor {
	r := f.Ratio(f.Ceiling)
	return Floor{"≥ 0.50 of the ceiling", fmt.Sprintf("%.2f", r), r >= 0.5}
}

// AtLeast returns a floor in units per second.
func (f *Figure) AtLeast(n float64) Floor {
	return Floor{fmt.Sprintf("≥ %s %s/s", number(n), f.Unit), number(f.Ours), f.Ours >= n}
}

// Within returns a bound in time.
func Within(got, limit time.Duration) Floor {
	return Floor{"≤ " + duration(limit), duration(got), got <= limit}
}

// Under returns a bound in megabytes of memory.
func Under(got int64, megabytes int64) Floor {
	return Floor{fmt.Sprintf("< %d MB", megabytes), Megabytes(got), got < megabytes*1e6}
}

// Megabytes formats a number of bytes.
func Megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }

// Add appends a note.
func (f *Figure) Add(name, format string, a ...any) {
	f.Notes = append(f.Notes, Note{name, fmt.Sprintf(format, a...)})
}

var heading = []string{"scenario", "clients", "ours/s", "ceiling/s", "ratio", "ceiling 2/s",
	"ratio 2", "p50", "p99",
	"CPU ours", "ceiling", "clients", "RSS", "ok"}

// Write writes the table, then the floors and notes of each figure.
func (r *Report) Write(w io.Writer) error {
	rows := [][]string{heading}
	for i := range r.Figures {
		rows = append(rows, r.Figures[i].row())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s; sync of a small record: %s, at the end of a growing file %s\n\n",
		r.Machine, duration(r.Sync), duration(r.Append))
	columns(&b, rows)
	b.WriteString("\nceiling: the same exchanges and nothing else; ceiling 2: with start and " +
		"end asked for in two exchanges.\n" +
		"CPU: of the server, the ceiling's server, and clients with task server, for each one " +
		"counted.\n")
	for i := range r.Figures {
		r.Figures[i].details(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Figure) row() []string {
	row := []string{f.Scenario, "", number(f.Ours), number(f.Ceiling), ratio(f.Ratio(f.Ceiling)),
		number(f.Apart), ratio(f.Ratio(f.Apart)),
		duration(f.P50), duration(f.P99), duration(f.ServerCPU), duration(f.CeilingCPU),
		duration(f.ClientCPU), "", ok(f.Floors)}
	if f.Clients > 0 {
		row[1] = fmt.Sprint(f.Clients)
	}
	if f.Resident > 0 {
		row[12] = Megabytes(f.Resident)
	}
	return row
}

// ok shows whether all floors are reached; "" without a floor.
func ok(floors []Floor) string {
	if len(floors) == 0 {
		return ""
	}
	for _, f := range floors {
		if !f.OK {
			return "NO"
		}
	}
	return "yes"
}

func (f *Figure) details(b *strings.Builder) {
	if len(f.Floors)+len(f.Notes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s", f.Scenario)
	if f.Clients > 0 {
		fmt.Fprintf(b, ", %d clients", f.Clients)
	}
	b.WriteString("\n")
	for _, l := range f.Floors {
		fmt.Fprintf(b, "  %-3s floor %s: %s\n", ok([]Floor{l}), l.Text, l.Got)
	}
	for _, n := range f.Notes {
		fmt.Fprintf(b, "      %s: %s\n", n.Name, n.Value)
	}
}

// columns writes rows in aligned columns, the first to the left, the others to the right.
func columns(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0:
				line.WriteString(cell + pad)
			default:
				line.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// number formats a count with separators between thousands; "" for 0.
func number(n float64) string {
	switch {
	case n == 0:
		return ""
	case n < 100:
		return fmt.Sprintf("%.1f", n)
	}
	text := fmt.Sprintf("%.0f", n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func ratio(r float64) string {
	if r == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", r)
}

// duration formats a duration with three digits; "" for 0.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
