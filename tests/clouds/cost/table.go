package cost

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table is a table with a row of titles.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// write writes the table in columns, or as Markdown.
func (t table) write(w io.Writer, markdown bool) error {
	if markdown {
		for i, row := range t {
			fmt.Fprintln(w, "| "+strings.Join(row, " | ")+" |")
			if i == 0 {
				fmt.Fprintln(w, "|"+strings.Repeat(" --- |", len(row)))
			}
		}
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range t {
		fmt.Fprintln(tw, strings.Join(row, "\t")+"\t")
	}
	return tw.Flush()
}

// million formats the price of one as the price of a million.
func million(usd float64) string { return thousands(fmt.Sprintf("%.2f", usd*1e6)) }

// count formats a number of units for its column.
func count(n float64) string { return thousands(fmt.Sprintf("%.0f", n)) }

// thousands inserts commas into a number that is not negative.
func thousands(s string) string {
	whole, rest, _ := strings.Cut(s, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// Write prints the bills of a cloud: what executions use, and what a million of them cost.
func Write(w io.Writer, h Cloud, bills []Bill, markdown bool) error {
	var used, usd table
	head := []string{h.Name + ": used by one"}
	for i, l := range h.Lines {
		if head = append(head, l.Title); i < 2 {
			head = append(head, "of indexes")
		}
	}
	used.add(append(head, "states")...)
	head = append([]string{h.Name + ": USD for a million"}, h.Services()...)
	head = append(head, "all")
	for _, r := range h.Rivals {
		head = append(head, r.Service)
	}
	usd.add(head...)
	for _, b := range bills {
		used.add(h.counts(b)...)
		usd.add(h.prices(b)...)
	}
	for _, t := range []table{used, usd} {
		if err := t.write(w, markdown); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return h.explain(w)
}

func (h Cloud) counts(b Bill) []string {
	row := []string{b.Flow}
	for i, l := range h.Lines {
		row = append(row, count(b.Used[i]*l.Shown))
		switch i {
		case 0:
			row = append(row, count(b.IndexWrites))
		case 1:
			row = append(row, count(b.IndexReads))
		}
	}
	return append(row, count(float64(b.States)))
}

func (h Cloud) prices(b Bill) []string {
	row := []string{b.Flow}
	for _, s := range h.Services() {
		row = append(row, million(h.USD(b, s)))
	}
	row = append(row, million(h.Total(b)))
	for _, r := range h.Rivals {
		row = append(row, million(b.Elsewhere(r)))
	}
	return row
}

// explain writes how use is counted, and the prices.
func (h Cloud) explain(w io.Writer) error {
	for _, paragraph := range h.Counted {
		fmt.Fprintf(w, "%s\n\n", wrap(paragraph, 120))
	}
	var t table
	t.add("USD for a million", "of", "source")
	for _, l := range h.Lines {
		t.add(fmt.Sprintf("%.4f", l.USD*1e6), l.Service+" "+l.Unit, l.Source)
	}
	for _, r := range h.Rivals {
		t.add(fmt.Sprintf("%.4f", r.USD*1e6), r.Service+" "+r.Unit, r.Source)
	}
	for _, row := range t {
		fmt.Fprintf(w, "  %17s  %-52s  %s\n", row[0], row[1], row[2])
	}
	_, err := fmt.Fprintln(w)
	return err
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// Result holds the bills of a cloud.
type Result struct {
	Cloud Cloud
	Bills []Bill
}

// Compare prints what a million executions cost in all clouds, whose bills are of the same flows,
// and elsewhere.
func Compare(w io.Writer, results []Result, markdown bool) error {
	var t table
	head := []string{"USD for a million"}
	for _, r := range results {
		head = append(head, r.Cloud.Name)
	}
	t.add(append(head, Transition.Service, Step.Service)...)
	for i, b := range results[0].Bills {
		row := []string{b.Flow}
		for _, r := range results {
			row = append(row, million(r.Cloud.Total(r.Bills[i])))
		}
		t.add(append(row, million(b.Elsewhere(Transition)), million(b.Elsewhere(Step)))...)
	}
	return t.write(w, markdown)
}
